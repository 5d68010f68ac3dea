/** From row images to rollback SQL, bytes to bytes: a pure library. */
export { buildShape, definitionFits } from './build-shape.ts';
export type { ColumnKind, ColumnShape, KeyShape, TableShape } from './shape.ts';
export type { RenderOptions } from './options.ts';
export { ROLLBACK_SQL_MODE, scriptSessionSettings } from './session.ts';
export { UndoChecker } from './checker.ts';
export { SeenRows } from './seen-rows.ts';
export { compileWriter, type UndoWriter } from './writer.ts';
export { compileScriptWriter, singly, type OnStatement, type ScriptWriter } from './merging-writer.ts';
export type { MergeLimits } from './mergeable.ts';
export { compileFinder } from './row-writers.ts';
export type { WriteRow } from './writer-code.ts';
export { chooseKey } from './choose-key.ts';
export { compileLocate, type Locate } from './locate.ts';
export { anyOf, hashed, NONE, seedOf, type HashedList } from './keys/key-hash.ts';
export { ascending, captureLists, identityList, incomparable, listId, placesOf, uniqueList, type KeyList } from './keys/key-lists.ts';
export { keyParts, showValue, type KeyValuePart } from './keys/key-value.ts';
export { KeyReader } from './keys/key-reader.ts';
export { shapeMark } from './keys/shape-mark.ts';
