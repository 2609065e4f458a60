package kerasae

import java.io.File

fun main(arguments: Array<String>) {
    when (arguments.firstOrNull()) {
        "checks" -> Checks.run()
        "conformance" -> Conformance(File(arguments[1])).run()
        "verdicts" -> return Verdicts(File(arguments[1]).json()).run()
        else -> throw IllegalArgumentException("usage: checks | conformance FOLDER | verdicts FILE")
    }
    println("checks: ${Check.done}")
}
