import { ALL_KINDS, type Kind, KINDS, STATES } from './kinds.js';
import { CLASSES, type Manager } from './manager.js';
import { lives } from './neighbours.js';
import { column as columnOf, newRow, type Row, setColumn } from './row.js';
import { FIRST_KEY, firstValues, toKey } from './rows.js';
import { TYPED } from './typed.js';
import type { World } from './world.js';

/** One of the items, whatever the number. */
export const at = <Item>(items: readonly Item[], n: number): Item | undefined => items[n % Math.max(items.length, 1)];

/** Kinds whose deletion takes nothing along and refuses nothing. */
export const LEAVES: readonly Kind[] = ['review', 'lease', 'mark', 'entry', 'item', 'cover', 'tag'];

/** The collections that a deletion reaches through. */
export const cascading = (kind: Kind): string[] =>
  ALL_KINDS.flatMap((child) =>
    Object.values(KINDS[child].refs)
      .filter((spec) => spec.to === kind)
      .flatMap(({ inverses }) => inverses)
      .filter(({ policy }) => policy === 'cascade')
      .map(({ name }) => name),
  );

/** Flushes instead if the step would touch rows that pending removals are going to reach: what a flush makes of both is the ORM's business. */
export async function collides(
  world: World,
  m: Manager,
  involved: readonly (number | null | undefined)[],
): Promise<boolean> {
  const doomed = m.pending.removes.size > 0 ? world.doomed(m) : new Set<number>();
  const does = involved.some((handle) => handle != null && doomed.has(handle));
  if (does) {
    await world.settle(m);
  }
  return does;
}

/** Flushes instead if a removal would reach rows that are new or changed, other than the removed one itself. */
export async function reachesChanges(world: World, m: Manager, handles: readonly number[]): Promise<boolean> {
  const reached = world.doomed(m, handles);
  // Reading a row into a collection takes it off the ORM's remove stack, and the deletion of a plain row is nobody else's.
  const plain = [...m.pending.removes].filter((handle) => !KINDS[world.model.row(handle).kind].soft);
  const changed = [...m.pending.creates.values()].filter((row) => !mayGoUnsaved(m, row)).map(({ handle }) => handle);
  changed.push(...plain);
  const linked = [...m.pending.links.keys()].flatMap((link) => link.split(':').map(Number));
  const does = [...changed.filter((handle) => !handles.includes(handle)), ...linked].some((handle) =>
    reached.has(handle),
  );
  if (does) {
    await world.settle(m);
  }
  return does;
}

/**
 * Whether a removal may reach a row that waits to be inserted: it is never inserted, or inserted and deleted with the rest. What
 * waits behind it again is the ORM's business.
 */
function mayGoUnsaved(m: Manager, { handle }: Row): boolean {
  const awaited = [...m.pending.creates.values()].some(({ refs }) => Object.values(refs).includes(handle));
  return lives('unsaved') && !awaited;
}

/** A slug that is free as far as the manager knows, most of the time. */
export function freeSlug(world: World, m: Manager, n: number): string {
  const taken = new Set([...world.candidates('folder', false, m)].map(({ slug }) => slug));
  const pool = [...Array(6).keys()].map((i) => `s${i}`);
  return n % 7 === 0
    ? pool[n % 6]!
    : (pool.slice(n % 6).find((slug) => !taken.has(slug)) ?? `free${world.nextHandle()}`);
}

/** Makes a row that waits for the next flush. */
export async function createRow(
  world: World,
  m: Manager,
  kind: Kind,
  refs: Row['refs'],
  slug: string | undefined,
  n: number,
) {
  const handle = world.nextHandle();
  const row = newRow(kind, handle, refs, {
    ...(slug ? { slug } : {}),
    ...(kind === 'entry' ? { state: at(STATES, n)! } : {}),
    typed: firstValues(kind, handle),
  });
  const data: Record<string, unknown> = { handle, name: row.name, ...(slug ? { slug } : {}) };
  if (row.state) {
    data['state'] = row.state;
  }
  if (KINDS[kind].customKey) {
    data['id'] = toKey(kind, FIRST_KEY + handle);
  }
  for (const [property, value] of Object.entries(row.typed)) {
    data[property] = value === null ? null : TYPED[property]!.make(value);
  }
  for (const [property, target] of Object.entries(refs)) {
    const other = target === null ? undefined : (m.pending.creates.get(target) ?? world.model.row(target));
    data[property] = other ? (n % 2 === 0 ? m.reference(other) : await m.load(other)) : null;
  }
  if (m.readsUndefined) {
    Object.keys(data).forEach((property) => data[property] ?? delete data[property]);
  }
  const entity = m.em.create<any>(CLASSES[kind], data as never);
  m.em.persist(entity);
  if (kind === 'review') {
    // A wrapped reference does not tell the loaded collection on the other side.
    m.collections.delete(`${refs['doc']}.reviews`);
  }
  if (kind === 'entry') {
    // The ORM tells the collection of one of the relations over the key, whatever the entry's state.
    KINDS.entry.refs['doc']!.inverses.forEach(({ name }) => m.collections.delete(`${refs['doc']}.${name}`));
  }
  m.created.set(handle, entity);
  m.pending.creates.set(handle, row);
  return entity;
}

/** Reading a document again gives it the cover that the database knows: changes of covers do not wait. */
export async function settleCovers(world: World, m: Manager): Promise<void> {
  if ([...m.pending.creates.values()].some(({ kind }) => kind === 'cover')) {
    await world.settle(m);
  }
}

/** Notes a change of a row; one that is taken back is none. */
export function change(m: Manager, row: Row, column: string, to: string | number | null): void {
  if (to === null && m.readsUndefined) {
    m.nulled.add(row.handle);
  }
  const created = m.pending.creates.get(row.handle);
  if (created) {
    setColumn(created, column, to);
    return;
  }
  const changes =
    m.pending.sets.get(row.handle) ?? new Map<string, { from: string | number | null; to: string | number | null }>();
  const from = changes.has(column) ? changes.get(column)!.from : columnOf(row, column);
  if (from === to) {
    changes.delete(column);
  } else {
    changes.set(column, { from, to });
  }
  if (changes.size > 0) {
    m.pending.sets.set(row.handle, changes);
  } else {
    m.pending.sets.delete(row.handle);
  }
}

/** Removes a row by a bare reference or a loaded entity, with or without what is behind it. */
export async function removeAs(m: Manager, row: Row, how: number): Promise<void> {
  const entity =
    how % 4 === 0 && !m.missedRestoration(row)
      ? m.reference(row)
      : await m.load(row, how % 4 === 1 ? cascading(row.kind) : [], how % 8 >= 4);
  m.em.remove(entity);
  m.pending.removes.add(row.handle);
}
