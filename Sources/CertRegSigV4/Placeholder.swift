enum CertRegSigV4Placeholder {}
