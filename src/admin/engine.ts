import type { ScriptContext } from '../script/index.ts';

/** A context of the script engine for one request; its connection ends with it. */
export interface RequestEngine extends AsyncDisposable {
  readonly context: ScriptContext;
}
