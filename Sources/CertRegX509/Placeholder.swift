enum CertRegX509Placeholder {}
