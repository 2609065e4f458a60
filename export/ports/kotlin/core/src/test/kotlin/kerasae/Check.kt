package kerasae

import java.io.File
import kotlin.reflect.KClass
import kotlin.system.exitProcess

// The least that a test needs: checks that say where they failed, and a count.

internal object Check {
    var done = 0
        private set

    fun that(good: Boolean, what: String) {
        done++
        if (good) return
        System.err.println("FAILED: $what")
        exitProcess(1)
    }

    /** A call throws exactly this class of error. */
    fun throws(kind: KClass<out Throwable>, what: String, call: () -> Unit) {
        val found = runCatching(call).exceptionOrNull()
        that(found != null && found::class == kind, "$what: $found")
    }
}

internal fun File.json(): Json = Json.parse(readBytes())

internal fun Json.list(name: String): List<Json> = (this[name] as Json.List).items

internal fun Json.text(name: String): String = (this[name] as Json.Text).value

internal fun Json.real(): Double = (this as Json.Number).value

internal fun Json.whole(): Long = (this as Json.Number).integer!!

internal fun Json.whole(name: String): Long = this[name]!!.whole()
