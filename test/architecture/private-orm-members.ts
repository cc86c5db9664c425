import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** What others call so as well: this package itself, or JavaScript. */
const HOMONYMS: readonly string[] = ['parts', 'primaryKey', 'quote', 'resolve', 'restore', 'storage'];

/**
 * The names that MikroORM gives to private, protected and internal members and to nothing else. Those that begin with two underscores
 * are internal though nothing says so.
 */
export function privateOrmMembers(): (name: string) => boolean {
  const hidden = new Set<string>();
  const open = new Set<string>(HOMONYMS);
  for (const tree of declarations()) {
    const visit = (node: ts.Node): void => {
      if (isMember(node) && ts.isIdentifier(node.name)) {
        (isHidden(node) ? hidden : open).add(node.name.text);
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return (name) => name.startsWith('__') || (hidden.has(name) && !open.has(name));
}

function* declarations(): Generator<ts.SourceFile> {
  const require = createRequire(import.meta.url);
  const postgresql = require.resolve('@mikro-orm/postgresql/package.json');
  const manifests = [
    postgresql,
    require.resolve('@mikro-orm/core/package.json'),
    createRequire(postgresql).resolve('@mikro-orm/sql/package.json'),
  ];
  for (const folder of manifests.map((manifest) => dirname(manifest))) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.d.ts') && !file.includes('node_modules')) {
        yield ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.ES2023, true);
      }
    }
  }
}

type Member =
  | ts.MethodDeclaration
  | ts.PropertyDeclaration
  | ts.AccessorDeclaration
  | ts.MethodSignature
  | ts.PropertySignature;

function isMember(node: ts.Node): node is Member {
  return (
    ts.isMethodDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isAccessor(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertySignature(node)
  );
}

function isHidden(node: Member): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return (
    modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword) ||
    ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
  );
}
