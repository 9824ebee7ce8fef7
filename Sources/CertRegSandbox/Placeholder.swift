enum CertRegSandboxPlaceholder {}
