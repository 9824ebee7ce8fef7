enum CertRegClientPlaceholder {}
