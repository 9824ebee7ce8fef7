import CFuzzer
import Glibc

// Usage: Fuzz TARGET [OPTION|FOLDER|FILE]..., with the options of libFuzzer.
let targets: [String: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32] = [
  "archive": { data, size in ArchiveTarget.run(UnsafeRawBufferPointer(start: data, count: size)) },
  "input": { data, size in InputTarget.run(UnsafeRawBufferPointer(start: data, count: size)) },
  "line": { data, size in LineTarget.run(UnsafeRawBufferPointer(start: data, count: size)) },
  "pem": { data, size in PEMTarget.run(UnsafeRawBufferPointer(start: data, count: size)) },
  "der": { data, size in DERTarget.run(UnsafeRawBufferPointer(start: data, count: size)) },
]
guard CommandLine.arguments.count > 1, let target = targets[CommandLine.arguments[1]] else {
  print("usage: Fuzz TARGET [OPTION|FOLDER|FILE]...; the targets are \(targets.keys.sorted())")
  exit(EX_USAGE)
}
// The driver keeps pointers to the arguments for as long as the process runs, so they are not freed.
var arguments = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) } + [nil]
var count = Int32(arguments.count - 1)
let status = arguments.withUnsafeMutableBufferPointer { buffer in
  var start = buffer.baseAddress
  return LLVMFuzzerRunDriver(&count, &start, target)
}
exit(status)
