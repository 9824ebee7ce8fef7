enum CertRegDaemonPlaceholder {}
