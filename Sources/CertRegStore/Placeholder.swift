enum CertRegStorePlaceholder {}
