enum CertRegSettingsPlaceholder {}
