/** Selects from the log, says what an undo means, and renders it. */
export type { LiveSource, ReachProver, ScriptContext } from './context.ts';
export { formatMicros, readTime } from './datetime.ts';
export { countedChanges } from './counted.ts';
export { headWarnings } from './head.ts';
export { openPlan, openScript, type OpenedScript } from './open-script.ts';
export type { Plan } from './plan.ts';
export { scriptTag } from './script-tag.ts';
export { describePlan, planText, type PlanReport } from './plan-report.ts';
export { findOperations, findText, newestOperations, shellWord, type FoundOperation, type FoundPage } from './find.ts';
export { findTransactions, transactionsText, type FoundTransaction, type TransactionPage } from './find-transactions.ts';
export { cancelScript, historyText, readScript, readScriptHistory, type ScriptHistory, type ScriptRecord } from './history-report.ts';
export { readStatus, statusText, type StatusReport } from './status.ts';
export { acknowledgeGap, gapText, readGapReport, type GapReport } from './gap-report.ts';
export { CLI_DIALECT, HTTP_DIALECT, type Dialect } from './parameter-reader.ts';
export { readFindOptions, readHistoryQuery, readScriptOptions, readSelection } from './read-parameters.ts';
export { ALLOWANCES, CONFLICT_MODES, FIND_PARAMETERS, HISTORY_PARAMETERS, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, TEXT_FINDS_ONLY, type ParameterInfo, type ParameterName, type RawParameters } from './parameters.ts';
