/** `1 operation`, `2 operations`: a count with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The size of a plan or script in words. */
export function countedChanges(totals: { readonly operations: number; readonly transactions: number }, between = 'of'): string {
  return `${counted(totals.operations, 'operation')} ${between} ${counted(totals.transactions, 'transaction')}`;
}
