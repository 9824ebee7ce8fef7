enum CertRegSocketPlaceholder {}
