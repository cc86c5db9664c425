import ts from 'typescript';

const SWAPPED = {
  '&&': '||',
  '||': '&&',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
};
/** A further condition in the text of a statement of SQL. */
const SQL_CONDITION = /\s+(?:and|or)\s+[\w."]+\s+(?:is (?:not )?null|(?:[<>]=?|=|<>)\s*[\w."$?]+)/gi;

/**
 * Every small change of a source file that its tests should notice: a condition negated, operators swapped, a statement, an
 * `await`, an element or a condition dropped, a literal changed.
 *
 * @returns {{ kind: string, start: number, end: number, text: string }[]}
 */
export function listMutants(sourceFile) {
  const mutants = [];
  const add = (kind, start, end, text) => mutants.push({ kind, start, end, text });
  const replace = (kind, node, text) => add(kind, node.getStart(sourceFile), node.getEnd(), text);
  const textOf = (node) => node.getText(sourceFile);

  /** An element with the comma that belongs to it. */
  const drop = (kind, list, index) => {
    const next = list[index + 1];
    const start = next || index === 0 ? list[index].getStart(sourceFile) : list[index - 1].getEnd();
    add(kind, start, next ? next.getStart(sourceFile) : list[index].getEnd(), '');
  };

  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) {
      return;
    }
    const condition =
      ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)
        ? node.expression
        : ts.isConditionalExpression(node) || ts.isForStatement(node)
          ? node.condition
          : undefined;
    if (condition) {
      replace('negate a condition', condition, `!(${textOf(condition)})`);
    }
    if (ts.isBinaryExpression(node)) {
      const operator = textOf(node.operatorToken);
      if (SWAPPED[operator]) {
        replace('swap an operator', node.operatorToken, SWAPPED[operator]);
      }
      if (['&&', '||', '??'].includes(operator)) {
        replace('drop a condition', node, textOf(node.left));
        replace('drop a condition', node, textOf(node.right));
      }
    }
    if (ts.isExpressionStatement(node)) {
      replace('drop a statement', node, ';');
    }
    if (ts.isAwaitExpression(node)) {
      replace('drop an await', node, textOf(node.expression));
    }
    if (ts.isArrayLiteralExpression(node)) {
      node.elements.forEach((_, index) => drop('drop an element', node.elements, index));
    }
    if (ts.isObjectLiteralExpression(node)) {
      node.properties.forEach((_, index) => drop('drop a property', node.properties, index));
    }
    if (ts.isNumericLiteral(node)) {
      replace('change a number', node, String(Number(node.text) + 1));
    }
    const isName = node.parent && node.parent.name === node;
    if (ts.isStringLiteral(node) && !isName) {
      replace('change a text', node, node.text === '' ? "'x'" : "''");
    }
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || isTemplatePart(node)) {
      for (const { 0: found, index } of textOf(node).matchAll(SQL_CONDITION)) {
        const start = node.getStart(sourceFile) + index;
        add('drop a condition of a statement', start, start + found.length, '');
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(sourceFile);
  return mutants;
}

function isTemplatePart({ kind }) {
  return [ts.SyntaxKind.TemplateHead, ts.SyntaxKind.TemplateMiddle, ts.SyntaxKind.TemplateTail].includes(kind);
}
