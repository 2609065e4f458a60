import Foundation

@testable import Kerasae

// kerasae-check checks FAMILY | conformance FOLDER | verdicts FILE

let arguments = CommandLine.arguments
guard arguments.count == 3 else {
    print("usage: kerasae-check checks FAMILY | conformance FOLDER | verdicts FILE")
    exit(2)
}
let check = Check()
let file = URL(fileURLWithPath: arguments[2])
do {
    switch arguments[1] {
    case "checks": try await Checks(check: check, family: bytes(file)).run()
    case "conformance": try Conformance(file, check).run()
    case "verdicts":
        try Verdicts(file).run()
        exit(0)
    default: throw Failure(description: "no such command: \(arguments[1])")
    }
    print("checks: \(check.done)")
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
