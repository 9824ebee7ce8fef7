enum CertRegHostPlaceholder {}
