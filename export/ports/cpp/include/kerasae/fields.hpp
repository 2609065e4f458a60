// Checked access to the fields of JSON that is untrusted input: errors name the field.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "errors.hpp"
#include "json.hpp"

namespace kerasae::detail {

/// Checked access to the fields of a JSON object.
class Fields {
public:
    /// @param file what errors name, such as `manifest.json`
    /// @param path where the object is in it: empty, or with a full stop at the end
    Fields(const json::Value& content, std::string path, std::string file)
        : content_(&content), path_(std::move(path)), file_(std::move(file)) {
        if (content.as<json::Value::Object>() == nullptr)
            refuse((path_.empty() ? "the content" : "`" + path_.substr(0, path_.size() - 1) + "`") +
                   " must be an object. Received: " + json::brief(&content));
    }

    bool has(std::string_view name) const { return content_->find(name) != nullptr; }
    const json::Value::Object& members() const { return *content_->as<json::Value::Object>(); }

    [[noreturn]] void refuse(const std::string& what) const {
        throw BundleError(file_ + ": " + what);
    }

    [[noreturn]] void fail(std::string_view name, const std::string& rule) const {
        refuse("`" + path_ + std::string(name) + "` must be " + rule +
               ". Received: " + json::brief(content_->find(name)));
    }

    /// Refuse fields that are not known, in objects that a hash covers as a whole.
    void only(const std::set<std::string_view>& names) const {
        for (const json::Member& member : members())
            if (names.count(member.name) == 0)
                refuse("`" + path_ + member.name.substr(0, 60) + "` is not a known field.");
    }

    Fields object(std::string_view name) const {
        const json::Value* value = content_->find(name);
        if (value == nullptr || value->as<json::Value::Object>() == nullptr) fail(name, "an object");
        return Fields(*value, path_ + std::string(name) + ".", file_);
    }

    /// The object that is item `i` of the list `name`.
    Fields item(const json::Value& content, std::string_view name, std::size_t i) const {
        return Fields(content, path_ + std::string(name) + "[" + std::to_string(i) + "].", file_);
    }

    const json::Value::List& list(std::string_view name, std::size_t least,
                                  std::size_t most) const {
        const json::Value* value = content_->find(name);
        const json::Value::List* items =
            value == nullptr ? nullptr : value->as<json::Value::List>();
        if (items == nullptr || items->size() < least || items->size() > most)
            fail(name, "a list of " + std::to_string(least) +
                           (most > least ? " to " + std::to_string(most) : ""));
        return *items;
    }

    const std::string& text(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const std::string* content = value == nullptr ? nullptr : value->as<std::string>();
        if (content == nullptr) fail(name, "a string");
        return *content;
    }

    std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high) const {
        const auto value = integer_of(content_->find(name), low, high);
        if (!value) fail(name, "an integer" + range(low, high));
        return *value;
    }

    template <class T>
    std::vector<T> integers(std::string_view name, std::int64_t low, std::int64_t high,
                            std::size_t least, std::size_t most) const {
        std::vector<T> values;
        for (const json::Value& item : list(name, least, most)) {
            const auto value = integer_of(&item, low, high);
            if (!value) fail(name, "a list of integers" + range(low, high));
            values.push_back(static_cast<T>(*value));
        }
        return values;
    }

    double positive(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const json::Number* number = value == nullptr ? nullptr : value->as<json::Number>();
        if (number == nullptr || !(number->value > 1e-30 && number->value < 1e30))
            fail(name, "a positive number");
        return number->value;
    }

    const std::string& digest(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const std::string* content = value == nullptr ? nullptr : value->as<std::string>();
        if (content == nullptr || content->size() != 64 ||
            content->find_first_not_of("0123456789abcdef") != std::string::npos)
            fail(name, "64 lower-case hexadecimal digits");
        return *content;
    }

private:
    static std::optional<std::int64_t> integer_of(const json::Value* value, std::int64_t low,
                                                  std::int64_t high) {
        const json::Number* number = value == nullptr ? nullptr : value->as<json::Number>();
        if (number == nullptr || !number->integer || *number->integer < low ||
            *number->integer > high)
            return std::nullopt;
        return number->integer;
    }

    static std::string range(std::int64_t low, std::int64_t high) {
        return " from " + std::to_string(low) + " to " + std::to_string(high);
    }

    const json::Value* content_;
    std::string path_;
    std::string file_;
};

}  // namespace kerasae::detail
