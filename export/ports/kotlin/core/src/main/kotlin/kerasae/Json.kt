package kerasae

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/** A value of JSON. */
internal sealed class Json {
    object Null : Json()

    data class Flag(val value: Boolean) : Json()

    /** A number as it was written: an integer has neither fraction nor exponent, and at most 18 digits. */
    data class Number(val value: Double, val integer: Long?) : Json()

    data class Text(val value: String) : Json()

    data class List(val items: kotlin.collections.List<Json>) : Json()

    data class Object(val members: Map<String, Json>) : Json()

    /** The member of an object, or null where there is none. */
    operator fun get(name: String): Json? = (this as? Object)?.members?.get(name)

    /** The value as an error message shows it: shortened. */
    fun brief(): String = when (this) {
        is Null -> "null"
        is Flag -> value.toString()
        is Number -> integer?.toString() ?: value.toString()
        is Text -> "\"" + value.take(60).map { if (it < ' ') '?' else it }.joinToString("") +
            if (value.length > 60) "...\"" else "\""
        is List -> "a list of ${items.size}"
        is Object -> "an object"
    }

    /** The text is not JSON; the message says where. */
    class ParseException(message: String) : Exception(message)

    companion object {
        /** Parse strictly (RFC 8259): UTF-8, no name twice in an object, finite numbers, 64 levels. */
        fun parse(bytes: ByteArray): Json {
            val decoder = Charsets.UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
            val text = try {
                decoder.decode(ByteBuffer.wrap(bytes)).toString()
            } catch (error: CharacterCodingException) {
                throw ParseException("the text is not UTF-8")
            }
            return JsonParser(text).document()
        }
    }
}

private class JsonParser(private val text: String) {
    private var at = 0

    fun document(): Json {
        val value = any(0)
        space()
        if (at != text.length) fail("something follows the value")
        return value
    }

    private fun fail(what: String): Nothing = throw Json.ParseException("$what at character $at")

    private fun peek(): Char? = text.getOrNull(at)

    private fun take(c: Char): Boolean {
        if (peek() != c) return false
        at++
        return true
    }

    private fun space() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun any(depth: Int): Json {
        space()
        val first = peek()
        if (depth == MAX_LEVELS && (first == '{' || first == '[')) fail("there are more than 64 levels")
        return when (first) {
            '{' -> members(depth)
            '[' -> items(depth)
            '"' -> Json.Text(string())
            't' -> word("true", Json.Flag(true))
            'f' -> word("false", Json.Flag(false))
            'n' -> word("null", Json.Null)
            else -> number()
        }
    }

    private fun word(expected: String, value: Json): Json {
        if (!text.startsWith(expected, at)) fail("an unknown word stands")
        at += expected.length
        return value
    }

    private fun items(depth: Int): Json {
        val items = ArrayList<Json>()
        at++
        space()
        if (take(']')) return Json.List(items)
        do {
            items.add(any(depth + 1))
            space()
        } while (take(','))
        if (!take(']')) fail("a list is not closed")
        return Json.List(items)
    }

    private fun members(depth: Int): Json {
        val members = LinkedHashMap<String, Json>()
        at++
        space()
        if (take('}')) return Json.Object(members)
        do {
            space()
            if (peek() != '"') fail("a name is missing")
            val name = string()
            space()
            if (!take(':')) fail("a colon is missing")
            if (members.put(name, any(depth + 1)) != null) fail("a name occurs twice in the object that ends")
            space()
        } while (take(','))
        if (!take('}')) fail("an object is not closed")
        return Json.Object(members)
    }

    private fun string(): String {
        val content = StringBuilder()
        at++
        while (true) {
            val c = peek() ?: fail("a string is not closed")
            at++
            if (c == '"') return content.toString()
            if (c < ' ') fail("a control character stands")
            content.append(if (c == '\\') escaped() else c)
        }
    }

    private fun escaped(): Char {
        val letter = peek() ?: fail("a string is not closed")
        at++
        if (letter == 'u') {
            val digits = text.substring(at, minOf(at + 4, text.length))
            if (digits.length < 4 || digits.any { it !in "0123456789abcdefABCDEF" }) fail("an escape has no four digits")
            at += 4
            return digits.toInt(16).toChar()
        }
        val which = "\"\\/bfnrt".indexOf(letter)
        if (which < 0) fail("an unknown escape stands")
        return "\"\\/\b\u000c\n\r\t"[which]
    }

    private fun digits(): Int {
        val first = at
        while (at < text.length && text[at] in '0'..'9') at++
        if (at == first) fail("a value is missing")
        return at - first
    }

    private fun number(): Json {
        val first = at
        take('-')
        val zero = peek() == '0'
        if (digits() > 1 && zero) fail("a number starts with 0")
        var integer = true
        if (take('.')) {
            integer = false
            digits()
        }
        if (peek() == 'e' || peek() == 'E') {
            integer = false
            at++
            if (!take('+')) take('-')
            digits()
        }
        val written = text.substring(first, at)
        val value = written.toDouble()
        if (value.isInfinite()) fail("a number is not finite")
        val short = written.length <= if (written[0] == '-') 19 else 18
        return Json.Number(value, if (integer && short) written.toLong() else null)
    }

    private companion object {
        const val MAX_LEVELS = 64 // of lists and objects in one another
    }
}
