import { readdirSync, readFileSync } from 'node:fs';
import { SoftDeleteConfigError, UnsupportedOrmVersionError } from 'nestjs-mikro-orm-soft-delete';
import { checkTouches, touchedParts } from '../../../lib/orm/check-touches.js';
import { requireTouches, SUPPORTED_ORM } from '../../../lib/orm/require-supported-orm.js';
import type { Signature } from '../../../lib/orm/touch.js';
import { TOUCHES } from '../../../lib/orm/touches.js';

const touches = TOUCHES.flatMap(({ part, members }) =>
  Object.entries(members).map(([member, signature]) => ({ part, member, signature, name: `${part}.${member}` })),
);
const checked = touches.filter(({ signature }) => signature !== 'later');
const methods = checked.filter(({ signature }) => signature !== 'value');
const found = { '@mikro-orm/core': '7.2.9', '@mikro-orm/sql': '7.2.9' };

const lib = new URL('../../../lib/', import.meta.url);
const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('touches.ts'))
  .map((file) => readFileSync(new URL(file, lib), 'utf8'))
  .join('\n');

/** What the classes of this room override, by the class of the ORM that they extend. */
const overridden = (
  [
    ['Collection', 'loading/scoped-collection'],
    ['EntityFactory', 'scoped-entity-factory'],
    ['EntityLoader', 'scoped-entity-loader'],
    ['EntityManager', 'scoped-entity-manager'],
    ['QueryBuilder', 'guarded-query-builder'],
    ['QueryBuilder', 'scoped-query-builder'],
  ] as const
).flatMap(([part, file]) =>
  [...readFileSync(new URL(`orm/${file}.ts`, lib), 'utf8').matchAll(/ override (?:async )?\*?(\w+)[(<]/g)].map(
    ([, member]) => `${part}.${member}`,
  ),
);

/** A part of the ORM in which one member is another. */
const withMember = (part: object, member: string, value: unknown): object =>
  Object.create(part, { [member]: { value, configurable: true } });

/** The same without it: whatever its prototypes have. */
function without(part: object, member: string): object {
  const copy: object = Object.create(null);
  for (let at: object | null = part; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name !== member && !Object.hasOwn(copy, name)) {
        Object.defineProperty(copy, name, { ...descriptor, configurable: true });
      }
    }
  }
  return copy;
}

function withParameters(count: number): unknown {
  return Object.defineProperty(() => undefined, 'length', { value: count });
}

describe('The MikroORM that is installed', () => {
  const missing = checkTouches(touchedParts());

  it.each(checked)('has $name as this package knows it', ({ name }) => {
    expect(missing.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}(`))).toEqual([]);
  });
});

describe('This package', () => {
  it.each(touches)('uses $name, which it says it touches', ({ member }) => {
    expect(sources).toMatch(new RegExp(`\\b${member}\\b`));
  });

  it.each([...new Set(overridden)])('says that it touches %s, which it overrides', (name) => {
    expect(touches.map((touch) => touch.name)).toContain(name);
  });

  it('overrides something of each of these classes', () => {
    expect(overridden.length).toBeGreaterThan(30);
    expect(new Set(overridden.map((name) => name.split('.')[0])).size).toBe(5);
  });

  it.each(checked)('names $name if an ORM lacks it', ({ part, member, name }) => {
    const parts = touchedParts();
    expect(checkTouches({ ...parts, [part]: without(parts[part]!, member) })).toEqual([`${name} is missing`]);
  });

  it.each(methods)('names $name if an ORM has it with other parameters', ({ part, member, name, signature }) => {
    const parts = touchedParts();
    const known = [signature as Exclude<Signature, string>].flat() as number[];
    const changed = (value: unknown) => checkTouches({ ...parts, [part]: withMember(parts[part]!, member, value) });
    expect(changed(withParameters(9))).toEqual([`${name}() takes 9 parameters, not ${known.join(' or ')}`]);
    expect(changed('text')).toEqual([`${name} is not a method`]);
    known.forEach((count) => expect(changed(withParameters(count))).toEqual([]));
  });

  it('names every member of a class that is gone', () => {
    const gone = checkTouches({ ...touchedParts(), EntityLoader: undefined });
    expect(gone.toSorted()).toEqual([
      'EntityLoader.extractChildCondition is missing',
      'EntityLoader.filterByReferences is missing',
      'EntityLoader.filterCollections is missing',
      'EntityLoader.findChildren is missing',
    ]);
  });

  it('refuses such an ORM with what was found, what is supported and what is missing', () => {
    const parts = touchedParts();
    const broken = { ...parts, EntityFactory: without(parts.EntityFactory!, 'mergeData') };
    const refuse = () => requireTouches(found, broken);
    expect(refuse).toThrow(UnsupportedOrmVersionError);
    expect(refuse).not.toThrow(SoftDeleteConfigError);
    expect(refuse).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_ORM_VERSION',
        found,
        supported: SUPPORTED_ORM.text,
        missing: ['EntityFactory.mergeData is missing'],
      }),
    );
    expect(refuse).toThrow(
      `MikroORM 7.2.9 lacks what this package needs: EntityFactory.mergeData is missing (found @mikro-orm/core 7.2.9, @mikro-orm/sql 7.2.9). Install another version in ${SUPPORTED_ORM.text}`,
    );
    expect(() => requireTouches(found, parts)).not.toThrow();
  });

  it('says of each touch since when it is there, why it is needed and what would replace it', () => {
    expect(TOUCHES.length).toBeGreaterThan(15);
    for (const { since, why, instead } of TOUCHES) {
      expect(since).toMatch(/^7\.\d+(\.\d+)?$/);
      expect(why).toMatch(/^[A-Z`].{20,}[.)]$/s);
      expect(instead.length).toBeGreaterThan(10);
    }
    const names = touches.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
