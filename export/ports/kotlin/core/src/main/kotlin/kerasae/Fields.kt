package kerasae

/** Checked access to the fields of a JSON object that is untrusted: errors name file and field. */
internal class Fields(content: Json, private val path: String, private val file: String) {
    val members: Map<String, Json>

    init {
        val what = if (path.isEmpty()) "the content" else "`${path.dropLast(1)}`"
        members = (content as? Json.Object)?.members
            ?: refuse("$what must be an object. Received: ${content.brief()}")
    }

    fun refuse(what: String): Nothing = throw BundleError("$file: $what")

    fun fail(name: String, rule: String): Nothing =
        refuse("`$path$name` must be $rule. Received: ${members[name]?.brief() ?: "nothing"}")

    /** Refuse fields that are not known, in objects that a hash covers as a whole. */
    fun only(vararg names: String) {
        val other = members.keys.firstOrNull { it !in names } ?: return
        refuse("`$path${other.take(60)}` is not a known field.")
    }

    operator fun contains(name: String) = name in members

    fun fields(name: String): Fields {
        val value = members[name] as? Json.Object ?: fail(name, "an object")
        return Fields(value, "$path$name.", file)
    }

    /** The objects of a list. */
    fun each(name: String, sizes: IntRange): Sequence<Fields> =
        list(name, sizes).asSequence().mapIndexed { i, item -> Fields(item, "$path$name[$i].", file) }

    fun list(name: String, sizes: IntRange): List<Json> {
        val items = (members[name] as? Json.List)?.items
        if (items == null || items.size !in sizes) {
            val most = if (sizes.last > sizes.first) " to ${sizes.last}" else ""
            fail(name, "a list of ${sizes.first}$most")
        }
        return items
    }

    fun text(name: String): String = (members[name] as? Json.Text)?.value ?: fail(name, "a string")

    fun long(name: String, range: LongRange): Long =
        integer(members[name], range) ?: fail(name, "an integer from ${range.first} to ${range.last}")

    fun int(name: String, range: IntRange): Int = long(name, range.first.toLong()..range.last.toLong()).toInt()

    fun ints(name: String, range: IntRange, sizes: IntRange): IntArray {
        val items = list(name, sizes)
        val allowed = range.first.toLong()..range.last.toLong()
        return IntArray(items.size) {
            integer(items[it], allowed)?.toInt()
                ?: fail(name, "a list of integers from ${range.first} to ${range.last}")
        }
    }

    fun positive(name: String): Double {
        val value = (members[name] as? Json.Number)?.value
        if (value == null || !(value > 1e-30 && value < 1e30)) fail(name, "a positive number")
        return value
    }

    fun digest(name: String): String {
        val digits = (members[name] as? Json.Text)?.value
        if (digits == null || digits.length != 64 || digits.any { it !in "0123456789abcdef" }) {
            fail(name, "64 lower-case hexadecimal digits")
        }
        return digits
    }

    private fun integer(value: Json?, range: LongRange): Long? =
        (value as? Json.Number)?.integer?.takeIf { it in range }
}

/** The fields of a file of JSON. */
internal fun fieldsOf(content: ByteArray, file: String, most: Int): Fields {
    if (content.size > most) {
        throw BundleError("$file must have at most $most bytes. Received: ${content.size}")
    }
    val value = try {
        Json.parse(content)
    } catch (error: Json.ParseException) {
        throw BundleError("$file is not valid JSON: ${error.message}.")
    }
    return Fields(value, "", file)
}
