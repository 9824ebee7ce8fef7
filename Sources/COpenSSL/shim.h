// The parts of OpenSSL that certregd uses. Function-like macros, which Swift cannot import, come as inline functions.
#ifndef CERTREG_COPENSSL_SHIM_H
#define CERTREG_COPENSSL_SHIM_H
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>

// A Certificate (RFC 5280 section 4.1) by the same template as OpenSSL's X509, save that the public key stays encoded:
// d2i_X509 decodes it at once through the provider's decoders, which costs more than all the rest and hands explicit
// curve parameters to the big-number code before anybody could look at them.
typedef struct {
  X509_ALGOR *algorithm;
  ASN1_BIT_STRING *key;
} CertregKeyInfo;

typedef struct {
  ASN1_INTEGER *version;
  ASN1_INTEGER *serial;
  X509_ALGOR *signature;
  X509_NAME *issuer;
  X509_VAL *validity;
  X509_NAME *subject;
  CertregKeyInfo *keyInfo;
  ASN1_BIT_STRING *issuerUID;
  ASN1_BIT_STRING *subjectUID;
  STACK_OF(X509_EXTENSION) *extensions;
  ASN1_ENCODING encoding;
} CertregTBS;

typedef struct {
  CertregTBS *tbs;
  X509_ALGOR *signatureAlgorithm;
  ASN1_BIT_STRING *signature;
} CertregCertificate;

ASN1_SEQUENCE(CertregKeyInfo) = {
  ASN1_SIMPLE(CertregKeyInfo, algorithm, X509_ALGOR),
  ASN1_SIMPLE(CertregKeyInfo, key, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(CertregKeyInfo)

// The encoding is kept so that encoding again gives the signed bytes themselves, as it does for OpenSSL's X509.
ASN1_SEQUENCE_enc(CertregTBS, encoding, 0) = {
  ASN1_EXP_OPT(CertregTBS, version, ASN1_INTEGER, 0),
  ASN1_SIMPLE(CertregTBS, serial, ASN1_INTEGER),
  ASN1_SIMPLE(CertregTBS, signature, X509_ALGOR),
  ASN1_SIMPLE(CertregTBS, issuer, X509_NAME),
  ASN1_SIMPLE(CertregTBS, validity, X509_VAL),
  ASN1_SIMPLE(CertregTBS, subject, X509_NAME),
  ASN1_SIMPLE(CertregTBS, keyInfo, CertregKeyInfo),
  ASN1_IMP_OPT(CertregTBS, issuerUID, ASN1_BIT_STRING, 1),
  ASN1_IMP_OPT(CertregTBS, subjectUID, ASN1_BIT_STRING, 2),
  ASN1_EXP_SEQUENCE_OF_OPT(CertregTBS, extensions, X509_EXTENSION, 3)
} static_ASN1_SEQUENCE_END_ref(CertregTBS, CertregTBS)

ASN1_SEQUENCE(CertregCertificate) = {
  ASN1_SIMPLE(CertregCertificate, tbs, CertregTBS),
  ASN1_SIMPLE(CertregCertificate, signatureAlgorithm, X509_ALGOR),
  ASN1_SIMPLE(CertregCertificate, signature, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(CertregCertificate)

// Decodes the certificate at the start of `length` bytes; `*used` says how many of them it takes. NULL where there is
// none.
static inline CertregCertificate *certreg_certificate_decode(const unsigned char *bytes, long length, long *used) {
  const unsigned char *position = bytes;
  CertregCertificate *certificate =
      (CertregCertificate *)ASN1_item_d2i(NULL, &position, length, ASN1_ITEM_rptr(CertregCertificate));
  *used = (long)(position - bytes);
  return certificate;
}

// Encodes into memory that certreg_free releases; negative where that fails.
static inline int certreg_certificate_encode(CertregCertificate *certificate, unsigned char **bytes) {
  *bytes = NULL;
  return ASN1_item_i2d((ASN1_VALUE *)certificate, bytes, ASN1_ITEM_rptr(CertregCertificate));
}

static inline void certreg_certificate_free(CertregCertificate *certificate) {
  ASN1_item_free((ASN1_VALUE *)certificate, ASN1_ITEM_rptr(CertregCertificate));
}

// What X509_verify does: 1 where `key` verifies the certificate's signature.
static inline int certreg_certificate_verify(CertregCertificate *certificate, EVP_PKEY *key) {
  if (X509_ALGOR_cmp(certificate->signatureAlgorithm, certificate->tbs->signature) != 0) return 0;
  return ASN1_item_verify(
      ASN1_ITEM_rptr(CertregTBS), certificate->signatureAlgorithm, certificate->signature, certificate->tbs, key);
}

static inline void certreg_free(void *memory) {
  OPENSSL_free(memory);
}

// Whether `code` of the error queue says that there was no memory.
static inline int certreg_is_lack_of_memory(unsigned long code) {
  return ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

// Whether a code of the error queue says that a PEM text has no further block of the wanted kind.
static inline int certreg_says_pem_ended(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}
#endif
