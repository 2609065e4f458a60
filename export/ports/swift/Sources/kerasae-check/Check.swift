import Foundation

@testable import Kerasae

// The least that a test needs: checks that say where they failed, and a count.

struct Failure: Error, CustomStringConvertible {
    let description: String
}

final class Check {
    private(set) var done = 0

    func that(_ good: Bool, _ what: String) throws {
        done += 1
        if !good { throw Failure(description: "FAILED: \(what)") }
    }

    /// A call throws this kind of error.
    func throwing(_ what: String, _ kind: (KerasaeError) -> Bool, _ call: () async throws -> Void) async throws {
        do {
            try await call()
        } catch let error as KerasaeError {
            return try that(kind(error), "\(what): \(error)")
        }
        try that(false, "\(what): nothing")
    }
}

func isArgument(_ error: KerasaeError) -> Bool {
    if case .argument = error { return true }
    return false
}

func isCorrupt(_ error: KerasaeError) -> Bool {
    if case .corrupt = error { return true }
    return false
}

func bytes(_ file: URL) throws -> [UInt8] { try [UInt8](Data(contentsOf: file)) }

extension Json {
    func list(_ name: String) -> [Json] {
        guard case .list(let items) = self[name] else { fatalError("no list \(name)") }
        return items
    }

    func text(_ name: String) -> String {
        guard case .text(let value) = self[name] else { fatalError("no text \(name)") }
        return String(decoding: value, as: UTF8.self)
    }

    var real: Double {
        guard case .number(let value, _) = self else { fatalError("no number") }
        return value
    }

    var whole: Int {
        guard case .number(_, let value?) = self else { fatalError("no integer") }
        return value
    }

    func whole(_ name: String) -> Int { self[name]!.whole }
}
