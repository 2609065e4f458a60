// Compose's API, for the compiler only. `Composable` is an annotation by the name that Compose's plugin looks for, so
// that its checks run; code it cannot generate without the real runtime.
@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.compose.runtime

import kotlin.reflect.KProperty
import kotlinx.coroutines.flow.StateFlow

@Target(AnnotationTarget.FUNCTION, AnnotationTarget.TYPE, AnnotationTarget.PROPERTY_GETTER)
annotation class Composable

interface State<out T> {
    val value: T
}

interface MutableState<T> : State<T> {
    override var value: T
}

operator fun <T> State<T>.getValue(thisObject: Any?, property: KProperty<*>): T = value

operator fun <T> MutableState<T>.setValue(thisObject: Any?, property: KProperty<*>, value: T) {
    this.value = value
}

fun <T> mutableStateOf(value: T): MutableState<T> = throw NotImplementedError()

@Composable
fun <T> remember(key1: Any?, key2: Any?, calculation: () -> T): T = calculation()

@Composable
fun <T> StateFlow<T>.collectAsState(): State<T> = throw NotImplementedError()
