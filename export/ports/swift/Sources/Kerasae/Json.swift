/// A value of JSON. Text is bytes of UTF-8, since Swift takes strings of different bytes for equal.
enum Json: Equatable, Sendable {
    case null
    case flag(Bool)
    /// A number as it was written: an integer has neither fraction nor exponent, and at most 18 digits.
    case number(Double, integer: Int?)
    case text([UInt8])
    case list([Json])
    case object([[UInt8]: Json])

    /// The member of an object, or nil where there is none.
    subscript(name: String) -> Json? {
        guard case .object(let members) = self else { return nil }
        return members[Array(name.utf8)]
    }

    /// The value as an error message shows it: shortened.
    var brief: String {
        switch self {
        case .null: return "null"
        case .flag(let value): return String(value)
        case .number(let value, let integer): return integer.map { String($0) } ?? String(value)
        case .text(let bytes):
            let shown = bytes.prefix(60).map { $0 < 32 ? UInt8(ascii: "?") : $0 }
            return "\"" + String(decoding: shown, as: UTF8.self) + (bytes.count > 60 ? "...\"" : "\"")
        case .list(let items): return "a list of \(items.count)"
        case .object: return "an object"
        }
    }

    /// The text is not JSON; the message says where.
    struct ParseError: Error {
        let message: String
    }

    /// Parse strictly (RFC 8259): UTF-8, no name twice in an object, finite numbers, 64 levels.
    static func parse(_ bytes: [UInt8]) throws -> Json {
        if !isUTF8(bytes) { throw ParseError(message: "the text is not UTF-8") }
        var parser = JsonParser(text: bytes)
        return try parser.document()
    }
}

/// Whether bytes are UTF-8: shortest forms only, no surrogates, at most U+10FFFF.
private func isUTF8(_ text: [UInt8]) -> Bool {
    var i = 0
    while i < text.count {
        let lead = text[i]
        let more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3
        if (lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || more >= text.count - i { return false }
        for j in 0..<more where text[i + j + 1] & 0xC0 != 0x80 { return false }
        if more > 1 {
            let next = text[i + 1]
            if (lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) { return false }
            if (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F) { return false }
        }
        i += more + 1
    }
    return true
}

private struct JsonParser {
    let text: [UInt8]
    var at = 0
    static let maxLevels = 64  // of lists and objects in one another

    init(text: [UInt8]) {
        self.text = text
    }

    mutating func document() throws -> Json {
        let value = try any(0)
        space()
        if at != text.count { throw error("something follows the value") }
        return value
    }

    func error(_ what: String) -> Json.ParseError {
        Json.ParseError(message: "\(what) at byte \(at)")
    }

    var next: UInt8? { at < text.count ? text[at] : nil }

    mutating func take(_ letter: Unicode.Scalar) -> Bool {
        if next != UInt8(ascii: letter) { return false }
        at += 1
        return true
    }

    mutating func space() {
        while let c = next, c == 32 || c == 9 || c == 10 || c == 13 { at += 1 }
    }

    mutating func any(_ depth: Int) throws -> Json {
        space()
        let first = next.map { Unicode.Scalar($0) }
        if depth == Self.maxLevels && (first == "{" || first == "[") {
            throw error("there are more than 64 levels")
        }
        switch first {
        case "{": return try .object(members(depth))
        case "[": return try .list(items(depth))
        case "\"": return try .text(string())
        case "t": return try word("true", .flag(true))
        case "f": return try word("false", .flag(false))
        case "n": return try word("null", .null)
        default: return try number()
        }
    }

    mutating func word(_ expected: String, _ value: Json) throws -> Json {
        if !text[at...].starts(with: expected.utf8) { throw error("an unknown word stands") }
        at += expected.utf8.count
        return value
    }

    mutating func items(_ depth: Int) throws -> [Json] {
        var items: [Json] = []
        at += 1
        space()
        if take("]") { return items }
        repeat {
            items.append(try any(depth + 1))
            space()
        } while take(",")
        if !take("]") { throw error("a list is not closed") }
        return items
    }

    mutating func members(_ depth: Int) throws -> [[UInt8]: Json] {
        var members: [[UInt8]: Json] = [:]
        at += 1
        space()
        if take("}") { return members }
        repeat {
            space()
            if next != UInt8(ascii: "\"") { throw error("a name is missing") }
            let name = try string()
            space()
            if !take(":") { throw error("a colon is missing") }
            if members.updateValue(try any(depth + 1), forKey: name) != nil {
                throw error("a name occurs twice in the object that ends")
            }
            space()
        } while take(",")
        if !take("}") { throw error("an object is not closed") }
        return members
    }

    mutating func string() throws -> [UInt8] {
        var content: [UInt8] = []
        at += 1
        while let c = next {
            at += 1
            if c == UInt8(ascii: "\"") { return content }
            if c < 32 { throw error("a control character stands") }
            if c != UInt8(ascii: "\\") {
                content.append(c)
                continue
            }
            guard let escape = next else { break }
            at += 1
            switch Unicode.Scalar(escape) {
            case "\"", "\\", "/": content.append(escape)
            case "b": content.append(8)
            case "f": content.append(12)
            case "n": content.append(10)
            case "r": content.append(13)
            case "t": content.append(9)
            case "u": content += encoded(try codePoint())
            default: throw error("an unknown escape stands")
            }
        }
        throw error("a string is not closed")
    }

    mutating func fourDigits() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = next.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }), next! < 128 else {
                throw error("an escape has no four digits")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    mutating func codePoint() throws -> UInt32 {
        let code = try fourDigits()
        if code >= 0xD800 && code < 0xDC00 && text[at...].starts(with: "\\u".utf8) {
            let before = at
            at += 2
            let low = try fourDigits()
            if low >= 0xDC00 && low < 0xE000 { return 0x10000 + (code - 0xD800) << 10 + low - 0xDC00 }
            at = before
        }
        return code
    }

    /// UTF-8 of a code point, of half a pair, too.
    func encoded(_ code: UInt32) -> [UInt8] {
        func more(_ shift: UInt32) -> UInt8 { UInt8(0x80 | code >> shift & 63) }
        if code < 0x80 { return [UInt8(code)] }
        if code < 0x800 { return [UInt8(0xC0 | code >> 6), more(0)] }
        if code < 0x10000 { return [UInt8(0xE0 | code >> 12), more(6), more(0)] }
        return [UInt8(0xF0 | code >> 18), more(12), more(6), more(0)]
    }

    mutating func digits() throws -> Int {
        let first = at
        while let c = next, c >= 48 && c <= 57 { at += 1 }
        if at == first { throw error("a value is missing") }
        return at - first
    }

    mutating func number() throws -> Json {
        let first = at
        let negative = take("-")
        let zero = next == UInt8(ascii: "0")
        let count = try digits()
        if count > 1 && zero { throw error("a number starts with 0") }
        var whole = true
        if take(".") {
            whole = false
            _ = try digits()
        }
        if take("e") || take("E") {
            whole = false
            if !take("+") { _ = take("-") }
            _ = try digits()
        }
        let written = String(decoding: text[first..<at], as: UTF8.self)
        guard let value = Double(written), value.isFinite else { throw error("a number is not finite") }
        return .number(value, integer: whole && at - first <= (negative ? 19 : 18) ? Int(written) : nil)
    }
}
