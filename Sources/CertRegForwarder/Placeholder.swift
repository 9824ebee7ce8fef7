enum CertRegForwarderPlaceholder {}
