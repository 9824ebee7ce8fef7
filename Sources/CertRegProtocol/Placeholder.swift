enum CertRegProtocolPlaceholder {}
