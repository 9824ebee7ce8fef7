// libpq, loaded while the program runs: only programs that have a fleet need it.
#ifndef CERTREG_LIBPQ_LOADER_H
#define CERTREG_LIBPQ_LOADER_H
#include <postgresql/libpq-fe.h>

// The functions of libpq that certregd uses, with the types of its own header.
struct certreg_libpq {
  __typeof__(&PQconnectdbParams) connectParams;
  __typeof__(&PQstatus) status;
  __typeof__(&PQerrorMessage) errorMessage;
  __typeof__(&PQpass) password;
  __typeof__(&PQsocket) socket;
  __typeof__(&PQfinish) finish;
  __typeof__(&PQsetnonblocking) setNonblocking;
  __typeof__(&PQenterPipelineMode) enterPipelineMode;
  __typeof__(&PQsendQueryParams) sendQueryParams;
  __typeof__(&PQsendPrepare) sendPrepare;
  __typeof__(&PQsendQueryPrepared) sendQueryPrepared;
  __typeof__(&PQpipelineSync) pipelineSync;
  __typeof__(&PQflush) flush;
  __typeof__(&PQconsumeInput) consumeInput;
  __typeof__(&PQisBusy) isBusy;
  __typeof__(&PQgetResult) getResult;
  __typeof__(&PQresultStatus) resultStatus;
  __typeof__(&PQresultErrorField) resultErrorField;
  __typeof__(&PQntuples) tupleCount;
  __typeof__(&PQnfields) fieldCount;
  __typeof__(&PQgetisnull) isNull;
  __typeof__(&PQgetvalue) value;
  __typeof__(&PQgetlength) length;
  __typeof__(&PQclear) clear;
  __typeof__(&PQexec) exec;
  __typeof__(&PQsetNoticeProcessor) setNoticeProcessor;
  __typeof__(&PQconninfoParse) parseConnectionString;
  __typeof__(&PQconninfoFree) freeOptions;
  __typeof__(&PQfreemem) freeMemory;
};

// Loads libpq once; NULL where it cannot be loaded, with the reason in `*error`.
const struct certreg_libpq *certreg_libpq_load(const char **error);
#endif
