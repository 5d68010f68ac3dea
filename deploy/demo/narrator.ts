/** What the person at the terminal reads: plain ASCII, no colours, no cursor movements. */
export interface Narrator {
  /** A new part of the story. */
  step(title: string): void;
  /** One fact. */
  say(line: string): void;
  /** A command as it can be copied, before it runs. */
  command(text: string): void;
  /** What a command printed, cut in the middle when it is long. */
  output(text: string): void;
  /** A claim that was put to the test. */
  proof(claim: string, holds: boolean, found: string): void;
  line(): void;
}

const HEAD_LINES = 46;
const TAIL_LINES = 14;

/** @param total number of steps, shown with each */
export function narrator(write: (text: string) => void, total: number): Narrator {
  const started = Date.now();
  let step = 0;
  const put = (line: string): void => write(`${line}\n`);
  return {
    step(title) {
      step += 1;
      put('');
      put(`[${step}/${total}] ${title}  (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    },
    say: (line) => put(`    ${line}`),
    command(text) {
      put('');
      put(`    $ ${text}`);
    },
    output(text) {
      for (const line of shorten(text.replace(/\n+$/, '').split('\n'))) put(line === '' ? '' : `    | ${line}`);
    },
    proof: (claim, holds, found) => put(`    ${holds ? 'proved' : 'FAILED'}  ${claim}: ${found}`),
    line: () => put(''),
  };
}

function shorten(lines: readonly string[]): readonly string[] {
  const left = lines.length - HEAD_LINES - TAIL_LINES;
  if (left < 5) return lines;
  return [...lines.slice(0, HEAD_LINES), `... ${left} lines are not shown here ...`, ...lines.slice(-TAIL_LINES)];
}
