// What the code does, as TypeScript infers it, is what the declarations say: each export is one that the
// declarations have, and can stand in for it. `source` holds the modules without declarations.

import * as source from "./source/index.js";
import * as litert from "./source/litert.js";
import * as tflite from "./source/fast-tflite.js";
import * as onnx from "./source/onnx.js";
import type * as declared from "kerasae";
import type * as declaredLitert from "kerasae/litert";
import type * as declaredOnnx from "kerasae/onnx";
import type * as declaredTflite from "kerasae/fast-tflite";

type Same<A, B> = Exclude<keyof A, keyof B> | Exclude<keyof B, keyof A>;
type None<T extends never> = T;
export type Missing = None<Same<typeof source, typeof declared>>;
export type MissingLitert = None<Same<typeof litert, typeof declaredLitert>>;
export type MissingOnnx = None<Same<typeof onnx, typeof declaredOnnx>>;
export type MissingTflite = None<Same<typeof tflite, typeof declaredTflite>>;

/** The members of a class, but for those that declarations leave out on purpose. */
type Members<T extends abstract new (...args: never) => unknown> = keyof InstanceType<T>;
export type MissingMembers = None<
  | Exclude<Members<typeof declared.Codec>, Members<typeof source.Codec>>
  | Exclude<Members<typeof declared.PhotoCodec>, Members<typeof source.PhotoCodec>>
  | Exclude<Members<typeof declared.Layout>, Members<typeof source.Layout>>
  | Exclude<Members<typeof declared.Limits>, Members<typeof source.Limits>>
  | Exclude<Members<typeof declared.Tables>, Members<typeof source.Tables>>
>;
const all: typeof declared = source;
export default all;
