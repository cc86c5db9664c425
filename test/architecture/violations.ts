import { posix } from 'node:path';
import ts from 'typescript';
import { TOUCHES } from '../../lib/orm/touches.js';
import { nestRooms, roomOf, rooms, scheduleRoom } from './house.js';
import { privateOrmMembers } from './private-orm-members.js';
import { resolveImport, type Source } from './source.js';

/** Imports that go against the direction, in words. */
export function backwardSteps(sources: readonly Source[]): string[] {
  return eachRelativeImport(sources, (from, to) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (!rooms[room]) {
      return `${from}: there is no room "${room}" in the house`;
    }
    return room !== other && !rooms[room].includes(other) ? `${from} (${room}) imports ${to} (${other})` : undefined;
  });
}

/** Imports of a folder's index, from which cycles come. */
export function indexImports(sources: readonly Source[]): string[] {
  return eachRelativeImport(sources, (from, to) =>
    to.endsWith('index.ts') || !to.endsWith('.ts') ? `${from} imports ${to}` : undefined,
  );
}

/** Files that need each other, over any number of steps, be it for their types alone. */
export function cycles(sources: readonly Source[]): string[] {
  const targets = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((specifier) => specifier.startsWith('.')).map((specifier) => resolveImport(path, specifier)),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) {
      return;
    }
    for (const target of targets.get(path) ?? []) {
      walk(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of targets.keys()) {
    walk(path, []);
  }
  return found;
}

/** Nest in a room that has to work in a plain script, the scheduler outside its room, and anything but a package's root. */
export function misplacedNest(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('@nestjs/'))
      .filter((specifier) => {
        const room = roomOf(path);
        const deep = specifier.split('/').length > 2;
        return deep || !nestRooms.includes(room) || (specifier === '@nestjs/schedule' && room !== scheduleRoom);
      })
      .map((specifier) => `${path} imports ${specifier}`),
  );
}

/**
 * Private members of the ORM that no entry of `lib/orm/touches.ts` names, as far as names tell: those that are accessed, taken out of an
 * object, or overridden.
 */
export function hiddenTouches(sources: readonly Source[]): string[] {
  const isPrivate = privateOrmMembers();
  const listed = new Set(TOUCHES.flatMap(({ members }) => Object.keys(members)));
  return eachNode(sources, (node) => {
    const name = ts.isPropertyAccessExpression(node)
      ? node.name
      : ts.isBindingElement(node)
        ? (node.propertyName ?? node.name)
        : ts.isMethodDeclaration(node) &&
            ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword)
          ? node.name
          : undefined;
    return name && ts.isIdentifier(name) && isPrivate(name.text) && !listed.has(name.text) ? name.text : undefined;
  });
}

/** Methods of the ORM that are replaced outside of its room. */
export function replacedOrmMethods(sources: readonly Source[]): string[] {
  const methods = new Set(
    TOUCHES.flatMap(({ members }) => Object.entries(members))
      .filter(([, signature]) => signature !== 'value' && signature !== 'later')
      .map(([name]) => name),
  );
  return eachNode(
    sources.filter(({ path }) => roomOf(path) !== 'orm'),
    (node) =>
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      ts.isPropertyAccessExpression(node.left) &&
      methods.has(node.left.name.text)
        ? node.left.getText()
        : undefined,
  );
}

/** Errors without a code. */
export function bareErrors(sources: readonly Source[]): string[] {
  return eachNode(sources, (node) =>
    ts.isThrowStatement(node) &&
    ts.isNewExpression(node.expression) &&
    /^(Error|TypeError|RangeError)$/.test(node.expression.expression.getText())
      ? node.getText()
      : undefined,
  );
}

/** What makes an error of the name that it is given first, or shows a text by its name. */
const CHECKS = /^(require|refuse|parse)[A-Z]\w*$|^(refuse|say|intervalOf)$/;

/**
 * Messages that leave out what is wrong or what to do about it: of errors in what somebody has configured, and of findings of the
 * doctor.
 */
export function silentMessages(sources: readonly Source[]): string[] {
  return eachNode(sources, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'SoftDeleteConfigError') {
      const [option, problem, advice] = node.arguments ?? [];
      const isSilent = says(option).includes('') || [problem, advice].flatMap(says).some((text) => !isSentence(text));
      return isSilent ? node.getText() : undefined;
    }
    if (ts.isNewExpression(node) && node.expression.getText().endsWith('Error')) {
      return node.arguments?.flatMap(says).includes('') ? node.getText() : undefined;
    }
    if (
      ts.isCallExpression(node) &&
      /\.(argument|description|option|requiredOption)$/.test(node.expression.getText())
    ) {
      return node.arguments.flatMap(says).includes('') ? `${node.arguments[0]?.getText()} of a command` : undefined;
    }
    if (ts.isCallExpression(node) && CHECKS.test(node.expression.getText())) {
      const [named, , names] = node.arguments;
      const elements = names && ts.isArrayLiteralExpression(names) ? names.elements : [];
      return [named, ...elements].flatMap(says).includes('') ? node.getText() : undefined;
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'description') {
      return says(node.initializer).includes('') ? node.getText() : undefined;
    }
    if (ts.isPropertyAssignment(node) && /^(problem|fix)$/.test(node.name.getText())) {
      const texts = says(node.initializer);
      const isSilent = node.name.getText() === 'problem' ? texts.some((text) => !isSentence(text)) : texts.includes('');
      return isSilent ? node.getText() : undefined;
    }
    return undefined;
  });
}

/** The texts that an expression may be, as far as they are written there. */
function says(expression: ts.Expression | undefined): string[] {
  if (expression === undefined) {
    return [];
  }
  if (ts.isConditionalExpression(expression)) {
    return [...says(expression.whenTrue), ...says(expression.whenFalse)];
  }
  if (ts.isTemplateExpression(expression)) {
    return [expression.getText().slice(1, -1)];
  }
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [first, second] = [says(expression.left), says(expression.right)];
    // A part that says nothing was meant to say something.
    const isSilent = first.includes('') || second.includes('');
    return isSilent ? [''] : first.flatMap((start) => second.map((end) => `${start} ${end}`));
  }
  return ts.isStringLiteralLike(expression) ? [expression.text.trim()] : [];
}

function isSentence(text: string): boolean {
  return /^\S.{8,}[.?!}]$/s.test(text);
}

/** The one file that says which generic types of MikroORM take nothing but `any`, under names. */
const NAMED_ANY = 'options/any-of-the-orm.ts';

/**
 * Types `any`, as a value or as an argument of a generic type, outside of the room for what MikroORM does not promise. What is left
 * are the places where TypeScript takes nothing else: the default of a type parameter that stands for an entity, the other branch of a
 * conditional type, and the rest of the parameters of a constructor or an overridden method.
 */
export function uncheckedValues(sources: readonly Source[]): string[] {
  return eachNode(
    sources.filter(({ path }) => roomOf(path) !== 'orm' && path !== NAMED_ANY),
    (node) => {
      if (node.kind !== ts.SyntaxKind.AnyKeyword) {
        return undefined;
      }
      const { parent } = node;
      const isForced =
        ts.isTypeParameterDeclaration(parent) ||
        ts.isConditionalTypeNode(parent) ||
        (ts.isArrayTypeNode(parent) && ts.isParameter(parent.parent) && Boolean(parent.parent.dotDotDotToken));
      return isForced ? undefined : parent.getText();
    },
  );
}

/** What one application in the process would leave behind for the next: variables and empty containers of a module. */
export function moduleState(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, tree }) =>
    tree.statements
      .filter((statement) => ts.isVariableStatement(statement))
      .filter((statement) => !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword))
      .flatMap(({ declarationList }) =>
        declarationList.declarations
          .filter(
            ({ initializer }) => !(declarationList.flags & ts.NodeFlags.Const) || (initializer && isEmpty(initializer)),
          )
          .map((declaration) => `${path}: ${declaration.getText()}`),
      ),
  );
}

/** Files whose names are not kebab-case with a role. */
export function oddNames(sources: readonly Source[]): string[] {
  return sources
    .map(({ path }) => path)
    .filter((path) => !/^([a-z0-9]+([-.][a-z0-9]+)*\/)*[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(path));
}

/** Rooms that hold too much to find one's way in. Statements are looked up by their names. */
export function crowdedRooms(sources: readonly Source[]): string[] {
  const files = Map.groupBy(sources, ({ path }) => posix.dirname(path));
  return [...files]
    .filter(([folder, { length }]) => length > 20 && folder !== 'purge/statements')
    .map(([folder, { length }]) => `${folder}: ${length} files`);
}

export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .map(({ path, tree }) => ({ path, lines: tree.text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 300)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}

/** A `WeakMap` is fine: its entries belong to the ORM that is their key. */
function isEmpty(node: ts.Expression): boolean {
  return (
    (ts.isArrayLiteralExpression(node) && node.elements.length === 0) ||
    (ts.isObjectLiteralExpression(node) && node.properties.length === 0) ||
    (ts.isNewExpression(node) && /^(Map|Set|Array)$/.test(node.expression.getText()) && !node.arguments?.length)
  );
}

function eachRelativeImport(
  sources: readonly Source[],
  judge: (from: string, to: string) => string | undefined,
): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => judge(path, resolveImport(path, specifier)))
      .filter((violation) => violation !== undefined),
  );
}

function eachNode(sources: readonly Source[], judge: (node: ts.Node) => string | undefined): string[] {
  return sources.flatMap(({ path, tree }) => {
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      const violation = judge(node);
      if (violation !== undefined) {
        found.push(`${path}: ${violation}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
    return found;
  });
}
