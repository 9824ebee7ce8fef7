/// What something is that is not a certificate to register. The raw value is the `reason` in reports.
package enum OtherContent: String, CaseIterable, Hashable, Sendable {
  case privateKey = "private_key"
  case keyContainer = "pkcs12"
  case keystore = "keystore"
  case authority = "ca_certificate"
  case issuer = "issuer_certificate"
  case manifestSigner = "manifest_signer"
  case certificateRequest = "certificate_request"
  case publicKey = "public_key"
  case revocationList = "revocation_list"
  case parameters = "parameters"
  case otherBlock = "other_block"
  case sshKey = "ssh_key"
  case openPGP = "openpgp"
  case openPGPMessage = "openpgp_message"
  case emptyBundle = "empty_bundle"
  case certificateStore = "certificate_store"
  case certificateList = "certificate_list"
  case printedCertificate = "printed_certificate"
  case uuencoded = "uuencoded"
  case parquet = "parquet"
  case lfsPointer = "git_lfs_pointer"
  case html = "html"
  case xml = "xml"
  case xmlError = "xml_error"
  case json = "json"
  case table = "table"
  case text = "text"
  case binary = "binary"
  case empty = "empty"
  case emptyRow = "empty_row"
  case headings = "headings"
  case image = "image"
  case document = "document"
  case pdf = "pdf"
  case program = "program"
  case database = "database"
  case otherArchive = "other_archive"
  case encrypted = "encrypted"
  case hidden = "hidden_file"
  case special = "special_file"
  case importReport = "import_report"
  case notSelected = "not_selected"
  case notListed = "not_listed"
  case duplicate = "duplicate"
  case lostName = "lost_name"

  /// The name with its article: `a private key`.
  package var name: String {
    switch self {
    case .privateKey: "a private key"
    case .keyContainer: "a PKCS#12 file, which can hold a private key"
    case .keystore: "a Java keystore, which can hold a private key"
    case .authority: "a CA certificate"
    case .issuer: "the certificate of an issuer"
    case .manifestSigner: "the certificate of a manifest's signer"
    case .certificateRequest: "a certificate signing request"
    case .publicKey: "a public key"
    case .revocationList: "a certificate revocation list"
    case .parameters: "key parameters"
    case .otherBlock: "a PEM block of another kind"
    case .sshKey: "an SSH public key"
    case .openPGP: "OpenPGP data"
    case .openPGPMessage: "a message encrypted with OpenPGP"
    case .emptyBundle: "PKCS#7 without a certificate"
    case .certificateStore: "a certificate store of Windows"
    case .certificateList: "a list of certificates at AWS IoT with their ARNs alone"
    case .printedCertificate: "a description of a certificate"
    case .uuencoded: "a file in uuencode"
    case .parquet: "an Apache Parquet file"
    case .lfsPointer: "a Git LFS pointer"
    case .html: "an HTML page"
    case .xml: "an XML document"
    case .xmlError: "an error message in XML"
    case .json: "JSON without a certificate"
    case .table: "a table without a certificate"
    case .text: "text"
    case .binary: "binary data"
    case .empty: "empty"
    case .emptyRow: "an empty row"
    case .headings: "a row of headings"
    case .image: "an image"
    case .document: "an office document"
    case .pdf: "a PDF"
    case .program: "a program"
    case .database: "a database"
    case .otherArchive: "an archive of a kind that is not read"
    case .encrypted: "encrypted"
    case .hidden: "a hidden file"
    case .special: "not a regular file"
    case .importReport: "a report of certregctl import"
    case .notSelected: "not selected"
    case .notListed: "not on the list"
    case .duplicate: "a duplicate"
    case .lostName: "a damaged or missing device name"
    }
  }

  /// Whether this is or can hold a private key.
  var isSecret: Bool { self == .privateKey || self == .keyContainer || self == .keystore }

  /// What to do with a file of this kind. Commands are complete apart from the name FILE.
  package var advice: String? {
    switch self {
    case .privateKey: "it was not sent: give the certificate that belongs to it"
    case .keyContainer:
      "openssl pkcs12 -in FILE -nokeys | certregctl register -"
        + " (with -legacy after pkcs12 where openssl says that an algorithm is unsupported)"
    case .keystore: "keytool -exportcert -rfc -keystore FILE -alias NAME | certregctl register -"
    case .authority, .issuer: "--include-ca takes CA certificates, too"
    case .certificateRequest:
      "have it signed first, or let AWS IoT do so: aws iot create-certificate-from-csr --certificate-signing-request file://FILE"
    case .publicKey: "the certificate that contains the key is needed"
    case .openPGPMessage: "gpg --decrypt FILE | certregctl register -"
    case .certificateStore:
      "in PowerShell: $c = New-Object Security.Cryptography.X509Certificates.X509Certificate2Collection; "
        + "$c.Import(\"$PWD\\FILE\"); [IO.File]::WriteAllBytes(\"$PWD\\FILE.p7b\", $c.Export(\"Pkcs7\"))"
    case .certificateList:
      "grep -oE '[0-9a-f]{64}' FILE | sort -u | while read -r ID; do "
        + "aws iot describe-certificate --certificate-id $ID --query certificateDescription.certificatePem --output text"
        + "; done | certregctl register -"
    case .printedCertificate:
      "the certificate itself is needed: run openssl x509 without -noout, or certutil with -encode"
    case .uuencoded: "uudecode -o /dev/stdout FILE | certregctl register -"
    case .parquet:
      #"duckdb -csv -c "SELECT * FROM read_parquet('FILE')" > devices.csv && certregctl import devices.csv"#
    case .database:
      #"sqlite3 -header -csv FILE "SELECT * FROM TABLE" > devices.csv && certregctl import devices.csv"#
        + " (sqlite3 FILE .tables names the tables)"
    case .lfsPointer: "git lfs pull fetches the file itself"
    case .html, .xmlError: "a server sent it in place of the file: download the file again"
    case .xml: #"xmllint --xpath "//*[local-name()='X509Certificate']/text()" FILE | certregctl register -"#
    case .document: "save a table as CSV, other documents as plain text"
    case .pdf: "pdftotext -layout FILE - | certregctl import - (of the package poppler-utils)"
    case .otherArchive: "unpack it into a folder, and import the folder"
    case .lostName:
      "the certificate has no device name: format the column as text before you save the table as CSV, or name another "
        + "one with --name-column"
    case .encrypted: "decrypt or unpack it with its password, and import what comes out"
    default: nil
    }
  }
}
