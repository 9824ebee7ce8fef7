import CertRegClock
import CertRegSandboxCommand

@main
enum Main {
  static func main() async {
    StandardDescriptors.open()
    await SandboxProgram.main(Array(CommandLine.arguments.dropFirst()))
  }
}
