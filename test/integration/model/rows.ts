import { ALL_KINDS, type Kind, KINDS } from './kinds.js';
import { lives } from './neighbours.js';
import { canonical, TYPED, TYPED_PROPERTIES } from './typed.js';
import type { Model } from './model.js';
import type { Row } from './row.js';

export const FIRST_KEY = 1_000_000;

/** A key as an entity has it. */
export type Key = number | string;

export const toKey = (kind: Kind, id: number): Key =>
  KINDS[kind].customKey && lives('custom-keys') ? `key_${id}` : id;

/** What the typed properties of a new row are made from. */
export const firstValues = (kind: Kind, n: number): Record<string, number | null> =>
  Object.fromEntries(
    KINDS[kind].typed
      ? TYPED_PROPERTIES.map((property, i) => [property, lives('types') && (n + i) % 3 !== 0 ? n : null])
      : [],
  );

interface DbRow {
  readonly id: number;
  readonly handle: number;
  readonly name: string;
  readonly slug?: string;
  readonly state?: string;
  readonly tenant: number;
  readonly touched?: number;
  readonly version?: number;
  readonly deleted: string | null;
  readonly [column: string]: unknown;
}

interface Snapshot {
  readonly now: string;
  readonly rows: Readonly<Record<Kind, readonly DbRow[]>>;
  readonly links: readonly { doc: number; tag: number }[];
}

/** Reads every row of every table, deleted or not, in one statement. */
export const SNAPSHOT_SQL = `select json_build_object('now', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), 'rows', json_build_object(${ALL_KINDS.map(
  (kind) => {
    const spec = KINDS[kind];
    const columns = [
      'id',
      'handle',
      'name',
      'tenant',
      ...(kind === 'folder' ? ['slug'] : []),
      ...(kind === 'entry' ? ['state'] : []),
      ...(spec.typed ? TYPED_PROPERTIES.map((property) => `${TYPED[property]!.column} as "${property}"`) : []),
      ...(spec.touched ? ['touched'] : []),
      ...(spec.versioned ? ['version'] : []),
      ...Object.keys(spec.refs).map((property) => `${property}_id as "${property}"`),
      `${spec.soft ? `to_char(deleted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')` : 'null'} as deleted`,
    ];
    return `'${kind}', (select coalesce(json_agg(t), '[]') from (select ${columns.join(', ')} from ${kind}) as t)`;
  },
).join(
  ', ',
)}), 'links', (select coalesce(json_agg(t), '[]') from (select doc_id as doc, tag_id as tag from doc_tags) as t)) as s`;

/** Compares the rows of the database with the model's, and learns keys, versions and units from them. */
export class Rows {
  readonly ids = new Map<number, Key>();
  readonly versions = new Map<number, number>();
  readonly #byId = new Map<string, number>();
  readonly #units = new Map<number, string>();
  #last = '';

  handle(kind: Kind, id: Key): number | undefined {
    return this.#byId.get(`${kind}:${id}`);
  }

  /** The units and versions that are known, for `forget()`. */
  learned(): { units: ReadonlyMap<number, string>; versions: ReadonlyMap<number, number> } {
    return { units: new Map(this.#units), versions: new Map(this.versions) };
  }

  forget({ units, versions }: ReturnType<Rows['learned']>): void {
    this.#units.clear();
    units.forEach((time, unit) => this.#units.set(unit, time));
    this.versions.clear();
    versions.forEach((version, handle) => this.versions.set(handle, version));
  }

  compare(model: Model, { rows, links, now }: Snapshot): void {
    const fail = (what: string, row: Row | DbRow, actual: unknown, expected: unknown): never => {
      throw new Error(
        `${what} of ${'kind' in row ? String(row.kind) : ''}#${row.handle}: the database has ${actual}, the model ${expected}`,
      );
    };
    for (const kind of ALL_KINDS) {
      for (const row of rows[kind]) {
        const key = toKey(kind, row.id);
        this.ids.set(row.handle, key);
        this.#byId.set(`${kind}:${key}`, row.handle);
      }
    }
    const unitTimes = new Map([...this.#units].map(([unit, time]) => [time, unit]));
    for (const kind of ALL_KINDS) {
      const expected = model.every(kind);
      const actual = new Map(rows[kind].map((row) => [row.handle, row]));
      for (const row of actual.values()) {
        if (!model.rows.has(row.handle)) {
          fail('the existence', { ...row, kind }, 'a row', 'none');
        }
      }
      for (const row of expected) {
        if (row.unborn && !actual.has(row.handle)) {
          model.drop(row.handle);
          continue;
        }
        row.unborn = false;
        const found = actual.get(row.handle) ?? fail('the existence', row, 'no row', 'one');
        const scalars = (each: Row | DbRow) => [each.name, each.slug, each.state, each.tenant].join('/');
        if (scalars(found) !== scalars(row)) {
          fail('the scalars', row, scalars(found), scalars(row));
        }
        for (const [property, n] of Object.entries(row.typed)) {
          const [stored, wanted] = [found[property], n === null ? null : TYPED[property]!.stored(n)].map(canonical);
          if (stored !== wanted) {
            fail(`the ${property}`, row, stored, wanted);
          }
        }
        row.touched ??= found.touched;
        if (KINDS[kind].touched && found.touched !== row.touched) {
          fail('the onUpdate property', row, found.touched, row.touched);
        }
        for (const [property, { to }] of Object.entries(KINDS[kind].refs)) {
          const target = found[property] == null ? null : this.handle(to, toKey(to, found[property] as number));
          if (target !== row.refs[property]) {
            fail(`the ${property}`, row, target, row.refs[property]);
          }
        }
        this.#compareUnit(row, found.deleted, unitTimes, now, fail);
        this.#compareVersion(row, found.version, fail);
      }
    }
    const actualLinks = links
      .map(({ doc, tag }) => `${this.handle('doc', toKey('doc', doc))}:${this.handle('tag', tag)}`)
      .toSorted();
    const expectedLinks = [...model.links].toSorted();
    if (actualLinks.join() !== expectedLinks.join()) {
      throw new Error(`the pivot rows: the database has ${actualLinks}, the model ${expectedLinks}`);
    }
    this.#last = now;
  }

  #compareUnit(
    row: Row,
    deleted: string | null,
    unitTimes: Map<string, number>,
    now: string,
    fail: (what: string, row: Row, actual: unknown, expected: unknown) => never,
  ): void {
    if (row.unit === null || deleted === null) {
      if (row.unit !== null || deleted !== null) {
        fail('deletedAt', row, deleted, row.unit === null ? 'null' : `unit ${row.unit}`);
      }
      return;
    }
    const time = this.#units.get(row.unit);
    if (time === undefined) {
      if (unitTimes.has(deleted)) {
        fail('deletedAt', row, `the time of unit ${unitTimes.get(deleted)}`, `a new unit ${row.unit}`);
      }
      if (this.#last !== '' && (deleted < this.#last || deleted > now)) {
        fail('deletedAt', row, deleted, `a time of the database's clock between ${this.#last} and ${now}`);
      }
      this.#units.set(row.unit, deleted);
      unitTimes.set(deleted, row.unit);
    } else if (time !== deleted) {
      fail('deletedAt', row, deleted, `unit ${row.unit} of ${time}`);
    }
  }

  #compareVersion(
    row: Row,
    version: number | undefined,
    fail: (what: string, row: Row, actual: unknown, expected: unknown) => never,
  ): void {
    const before = this.versions.get(row.handle);
    if (
      version !== undefined &&
      before !== undefined &&
      ((row.bumped ?? version > before) ? version <= before : version !== before)
    ) {
      fail('the version', row, version, row.bumped ? `more than ${before}` : before);
    }
    if (version !== undefined) {
      this.versions.set(row.handle, version);
    }
    row.bumped = false;
  }
}
