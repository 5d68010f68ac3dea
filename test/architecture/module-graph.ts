import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** One source file, as far as the rules about imports are concerned. */
export interface Module {
  /** Path below src/, with forward slashes: capture/assembler.ts. */
  readonly path: string;
  /** Files of src/ that it imports, as such paths; type imports count too. */
  readonly imports: readonly string[];
  /** Packages that it imports, by their bare specifier. */
  readonly packages: readonly string[];
  /** Whether it makes code from text: new Function, Function(...) or eval. */
  readonly generatesCode: boolean;
}

export function readModules(src: string): Module[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => parseModule(path, readFileSync(join(src, path), 'utf8')));
}

export function parseModule(path: string, text: string): Module {
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
  const local = specifiers.filter((specifier) => specifier.startsWith('.'));
  return {
    path,
    imports: local.map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
    generatesCode: generatesCode(ts.createSourceFile(path, text, ts.ScriptTarget.Latest)),
  };
}

function generatesCode(node: ts.Node): boolean {
  if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && ts.isIdentifier(node.expression) && ['Function', 'eval'].includes(node.expression.text)) return true;
  return ts.forEachChild(node, (child) => generatesCode(child) || undefined) ?? false;
}
