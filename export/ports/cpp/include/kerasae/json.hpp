// A strict reader of JSON (RFC 8259): UTF-8, no name twice in an object, bounded depth.
#pragma once

#include <algorithm>
#include <locale>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kerasae::json {

struct Member;

/// A number as it was written: an integer has neither fraction nor exponent.
struct Number {
    double value = 0;
    std::optional<std::int64_t> integer;
};

class Value {
public:
    using List = std::vector<Value>;
    using Object = std::vector<Member>;  // sorted by name

    // Defined below, where Member is complete.
    Value();
    template <class T>
    explicit Value(T content);
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    template <class T>
    const T* as() const {
        return std::get_if<T>(&content_);
    }

    /// The member of an object, or null where there is none.
    const Value* find(std::string_view name) const;

private:
    std::variant<std::nullptr_t, bool, Number, std::string, List, Object> content_;
};

struct Member {
    std::string name;
    Value value;
};

inline Value::Value() : content_(nullptr) {}
template <class T>
Value::Value(T content) : content_(std::move(content)) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;

inline bool operator<(const Member& a, const Member& b) { return a.name < b.name; }

inline const Value* Value::find(std::string_view name) const {
    const Object* object = as<Object>();
    if (object == nullptr) return nullptr;
    const auto at =
        std::lower_bound(object->begin(), object->end(), name,
                         [](const Member& member, std::string_view n) { return member.name < n; });
    return at != object->end() && at->name == name ? &at->value : nullptr;
}

/// The text is not JSON; the message says where.
class ParseError : public std::runtime_error {
    using runtime_error::runtime_error;
};

namespace detail {

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Value document() {
        Value value = any(0);
        space();
        if (at_ != text_.size()) fail("something follows the value");
        return value;
    }

private:
    static constexpr int max_levels = 64;  // of lists and objects in one another

    [[noreturn]] void fail(const char* what) const {
        throw ParseError(std::string(what) + " at byte " + std::to_string(at_));
    }

    bool done() const { return at_ == text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }

    bool take(char c) {
        if (done() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void space() {
        while (!done() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }

    Value any(int depth) {
        space();
        if (depth == max_levels && (peek() == '{' || peek() == '['))
            fail("there are more than 64 levels");
        switch (peek()) {
            case '{': return Value(object(depth));
            case '[': return Value(list(depth));
            case '"': return Value(string());
            case 't': return word("true", Value(true));
            case 'f': return word("false", Value(false));
            case 'n': return word("null", Value());
            default: return Value(number());
        }
    }

    Value word(std::string_view expected, Value value) {
        if (text_.substr(at_, expected.size()) != expected) fail("an unknown word stands");
        at_ += expected.size();
        return value;
    }

    Value::List list(int depth) {
        Value::List items;
        ++at_;
        space();
        if (take(']')) return items;
        do {
            items.push_back(any(depth + 1));
            space();
        } while (take(','));
        if (!take(']')) fail("a list is not closed");
        return items;
    }

    Value::Object object(int depth) {
        Value::Object members;
        ++at_;
        space();
        if (take('}')) return members;
        do {
            space();
            if (peek() != '"') fail("a name is missing");
            std::string name = string();
            space();
            if (!take(':')) fail("a colon is missing");
            members.push_back({std::move(name), any(depth + 1)});
            space();
        } while (take(','));
        if (!take('}')) fail("an object is not closed");
        std::sort(members.begin(), members.end());
        const auto twice =
            std::adjacent_find(members.begin(), members.end(),
                               [](const Member& a, const Member& b) { return a.name == b.name; });
        if (twice != members.end()) fail("a name occurs twice in the object that ends");
        return members;
    }

    std::string string() {
        std::string content;
        ++at_;
        for (;;) {
            if (done()) fail("a string is not closed");
            const char c = text_[at_++];
            if (c == '"') return content;
            if (static_cast<unsigned char>(c) < 0x20) fail("a control character stands");
            if (c != '\\') {
                content += c;
                continue;
            }
            const char escape = peek();
            if (!done()) ++at_;
            static constexpr std::string_view written = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
            if (escape == 'u') {
                append_unicode(content);
            } else {
                const std::size_t which = escape == '\0' ? written.npos : written.find(escape);
                if (which == written.npos) fail("an unknown escape stands");
                content += meant[which];
            }
        }
    }

    std::uint32_t four_digits() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = peek();
            std::uint32_t digit = 0;
            if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0');
            else if (c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a' + 10);
            else if (c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A' + 10);
            else fail("an escape has no four digits");
            value = value << 4 | digit;
            ++at_;
        }
        return value;
    }

    void append_unicode(std::string& to) {
        std::uint32_t code = four_digits();
        if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            const std::size_t before = at_;
            at_ += 2;
            const std::uint32_t low = four_digits();
            if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00;
            else at_ = before;
        }
        const auto put = [&to](std::uint32_t byte) { to += static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xC0 | code >> 6), put(0x80 | (code & 63));
        } else if (code < 0x10000) {
            put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
        } else {
            put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63));
            put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
        }
    }

    std::size_t digits() {
        const std::size_t first = at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        if (at_ == first) fail("a value is missing");
        return at_ - first;
    }

    Number number() {
        const std::size_t first = at_;
        take('-');
        const bool zero = peek() == '0';
        if (digits() > 1 && zero) fail("a number starts with 0");
        bool integer = true;
        if (take('.')) integer = false, digits();
        if (peek() == 'e' || peek() == 'E') {
            integer = false;
            ++at_;
            if (!take('+')) take('-');
            digits();
        }
        return {real(text_.substr(first, at_ - first)),
                integer ? whole(text_.substr(first, at_ - first)) : std::nullopt};
    }

    /// As strtod, whose result depends on the locale; from_chars is missing in some libraries.
    double real(std::string_view text) const {
        std::istringstream stream{std::string(text)};
        stream.imbue(std::locale::classic());
        double value = 0;
        if (!(stream >> value) && value != 0) fail("a number is not finite");
        return value;
    }

    /// The integer, or nothing where it has more than 18 digits.
    static std::optional<std::int64_t> whole(std::string_view text) {
        const bool negative = text[0] == '-';
        if (negative) text.remove_prefix(1);
        if (text.size() > 18) return std::nullopt;
        std::int64_t value = 0;
        for (const char c : text) value = 10 * value + (c - '0');
        return negative ? -value : value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// Whether bytes are UTF-8: shortest forms only, no surrogates, at most U+10FFFF.
inline bool is_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        const std::size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || more >= text.size() - i) return false;
        for (std::size_t j = 1; j <= more; ++j)
            if ((byte(i + j) & 0xC0) != 0x80) return false;
        if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) > 0x9F) ||
            (lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) > 0x8F))
            return false;
        i += more + 1;
    }
    return true;
}

}  // namespace detail

/// @throws ParseError if the text is not JSON
inline Value parse(std::string_view text) {
    if (!detail::is_utf8(text)) throw ParseError("the text is not UTF-8");
    return detail::Parser(text).document();
}

/// A value as an error message shows it: as JSON, shortened.
inline std::string brief(const Value* value) {
    if (value == nullptr) return "nothing";
    if (value->as<std::nullptr_t>() != nullptr) return "null";
    if (const bool* flag = value->as<bool>()) return *flag ? "true" : "false";
    if (const Number* number = value->as<Number>()) {
        if (number->integer) return std::to_string(*number->integer);
        std::ostringstream text;
        text.imbue(std::locale::classic());
        text << number->value;
        return text.str();
    }
    if (const std::string* text = value->as<std::string>()) {
        std::string shown = "\"";
        for (const char c : text->substr(0, 60))
            shown += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
        return shown + (text->size() > 60 ? "...\"" : "\"");
    }
    if (const Value::List* list = value->as<Value::List>())
        return "a list of " + std::to_string(list->size());
    return "an object";
}

}  // namespace kerasae::json
