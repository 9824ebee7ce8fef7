#include "libpq-loader.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static struct certreg_libpq functions;
static const char *fault;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
  void *symbol = dlsym(library, name);
  if (symbol == NULL && fault == NULL) fault = dlerror();
  return symbol;
}

static void load(void) {
  void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fault = dlerror();
    return;
  }
#define FUNCTION(member, name) functions.member = (__typeof__(functions.member))find(library, #name)
  FUNCTION(connectParams, PQconnectdbParams);
  FUNCTION(status, PQstatus);
  FUNCTION(errorMessage, PQerrorMessage);
  FUNCTION(password, PQpass);
  FUNCTION(socket, PQsocket);
  FUNCTION(finish, PQfinish);
  FUNCTION(setNonblocking, PQsetnonblocking);
  FUNCTION(enterPipelineMode, PQenterPipelineMode);
  FUNCTION(sendQueryParams, PQsendQueryParams);
  FUNCTION(sendPrepare, PQsendPrepare);
  FUNCTION(sendQueryPrepared, PQsendQueryPrepared);
  FUNCTION(pipelineSync, PQpipelineSync);
  FUNCTION(flush, PQflush);
  FUNCTION(consumeInput, PQconsumeInput);
  FUNCTION(isBusy, PQisBusy);
  FUNCTION(getResult, PQgetResult);
  FUNCTION(resultStatus, PQresultStatus);
  FUNCTION(resultErrorField, PQresultErrorField);
  FUNCTION(tupleCount, PQntuples);
  FUNCTION(fieldCount, PQnfields);
  FUNCTION(isNull, PQgetisnull);
  FUNCTION(value, PQgetvalue);
  FUNCTION(length, PQgetlength);
  FUNCTION(clear, PQclear);
  FUNCTION(exec, PQexec);
  FUNCTION(setNoticeProcessor, PQsetNoticeProcessor);
  FUNCTION(parseConnectionString, PQconninfoParse);
  FUNCTION(freeOptions, PQconninfoFree);
  FUNCTION(freeMemory, PQfreemem);
#undef FUNCTION
}

const struct certreg_libpq *certreg_libpq_load(const char **error) {
  pthread_once(&once, load);
  *error = fault;
  return fault == NULL ? &functions : NULL;
}
