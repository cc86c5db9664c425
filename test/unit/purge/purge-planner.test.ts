import type { KeyCompanion, KeyReference, PurgeEntity, PurgeTable } from '../../../lib/purge/plan/key-graph.js';
import { planPurge } from '../../../lib/purge/plan/purge-planner.js';
import { entity, table } from './key-graph.js';

const key = (from: PurgeTable, to: PurgeTable, more: Partial<KeyReference> = {}): KeyReference => ({
  constraint: `${from.label}_${to.label}_fkey`,
  from,
  fromColumns: [`${to.label}_id`],
  to,
  toColumns: ['id'],
  action: 'no action',
  isIndexed: true,
  isEnforced: true,
  conditions: [],
  parts: [],
  isInheritance: false,
  ...more,
});

describe(planPurge.name, () => {
  const [user, post, note, log] = ['user', 'post', 'note', 'log'].map(table) as [
    PurgeTable,
    PurgeTable,
    PurgeTable,
    PurgeTable,
  ];
  const [User, Post, Note] = [entity('User', user), entity('Post', post), entity('Note', note)];
  const plan = (entities: PurgeEntity[], references: KeyReference[]) =>
    planPurge({ entities, references, companions: [] }).groups.map((group) => group.map((each) => each));
  const namesOf = (groups: ReturnType<typeof plan>) => groups.map((group) => group.map((each) => each.entity.name));

  it('puts children before parents, and entities that reference each other into one group', () => {
    expect(namesOf(plan([User, Post, Note], [key(post, user), key(note, post)]))).toEqual([
      ['Note'],
      ['Post'],
      ['User'],
    ]);
    const circle = namesOf(plan([User, Post, Note], [key(post, user), key(user, post), key(note, user)]));
    expect(circle.map((group) => group.toSorted())).toEqual([['Note'], ['Post', 'User']]);
  });

  it('lets soft-deletable rows block whatever their key says, and watches those that the database would touch', () => {
    for (const action of ['cascade', 'set null', 'restrict'] as const) {
      const [[, planned]] = [plan([Post, User], [key(post, user, { action })]).flat()];
      expect(planned!.blockers.map(({ source, isEnforced }) => [source?.name, isEnforced])).toEqual([['Post', true]]);
      expect(planned!.endangered.map(({ label }) => label)).toEqual(action === 'restrict' ? [] : ['post']);
    }
  });

  it('tells plain rows that go along from those that block', () => {
    const kinds: [Partial<KeyReference>, blocks: number, explicit: number][] = [
      [{ action: 'no action' }, 1, 0],
      [{ action: 'none' }, 1, 0],
      [{ action: 'cascade' }, 0, 0],
      [{ action: 'set null' }, 0, 0],
      [{ action: 'restrict', parts: [[]] }, 0, 1],
      [{ action: 'restrict', parts: [[{ column: 'kind', values: ['a'] }]] }, 1, 1],
    ];
    for (const [reference, blocks, explicit] of kinds) {
      const [planned] = plan([User], [key(log, user, reference)]).flat();
      expect([reference, planned!.blockers.length, planned!.parts.length]).toEqual([reference, blocks, explicit]);
    }
  });

  it('looks behind parts, and does not trust the database with what it does not enforce', () => {
    const [, planned] = plan(
      [Note, User],
      [key(log, user, { action: 'cascade' }), key(note, log, { action: 'set null' })],
    ).flat();
    expect(planned!.blockers.map(({ hops }) => hops.map(({ reference }) => reference.from.label))).toEqual([
      ['log', 'note'],
    ]);
    expect(planned!.endangeredBehindParts).toEqual([note]);

    const [, unenforced] = plan([Post, User], [key(post, user, { action: 'none', isEnforced: false })]).flat();
    expect(unenforced!.blockers.map(({ isEnforced }) => isEnforced)).toEqual([false]);
  });

  it('follows plain rows that go along as far as the first table that it has been in', () => {
    const [planned] = plan(
      [User],
      [
        key(log, user, { action: 'cascade' }),
        key(note, log, { action: 'cascade' }),
        key(log, note, { action: 'cascade' }),
      ],
    ).flat();
    expect(planned!.blockers.map(({ hops }) => hops.map(({ reference }) => reference.constraint))).toEqual([
      ['log_user_fkey', 'note_log_fkey', 'log_note_fkey'],
    ]);
  });

  it('lets rows of a table stay that another row of it takes along, where a part of it does not', () => {
    const own = key(log, log, { action: 'no action', parts: [[{ column: 'kind', values: ['a'] }]] });
    const [planned] = plan([User], [key(log, user, { action: 'cascade' }), own]).flat();
    expect(planned!.attached).toHaveLength(1);
    expect(planned!.attached[0]!.hops.map(({ within }) => within)).toEqual([[own]]);
    expect(planned!.blockers.map(({ hops }) => hops.map(({ exceptSiblings }) => exceptSiblings))).toEqual([
      [false, true],
    ]);
    const cascading = key(log, log, { action: 'cascade' });
    expect(plan([User], [key(log, user, { action: 'cascade' }), cascading]).flat()[0]!.blockers).toEqual([]);
  });

  it('names keys without an index', () => {
    const [planned] = plan([User], [key(log, user, { isIndexed: false })]).flat();
    expect(planned!.unindexed.map(({ constraint }) => constraint)).toEqual(['log_user_fkey']);
  });

  it('takes several statements for a batch where the counters of tables do not tell all, and where rows go explicitly', () => {
    const isComposed = (references: KeyReference[], companions: KeyCompanion[] = []) =>
      planPurge({ entities: [User, Post], references, companions })
        .groups.flat()
        .find(({ entity: { name } }) => name === 'User')!.isComposed;
    const partitioned = { ...post, isPartitioned: true };
    const Parted = { ...Post, table: partitioned, tables: [partitioned] };
    const opaque = planPurge({
      entities: [User, Parted],
      references: [key(partitioned, user, { action: 'cascade' })],
      companions: [],
    });
    expect(opaque.groups.flat().map((each) => [each.entity.name, each.isComposed])).toEqual([
      ['Post', false],
      ['User', true],
    ]);
    expect(isComposed([key(post, user, { action: 'cascade' })])).toBe(false);
    expect(isComposed([key(note, user, { action: 'cascade' })])).toBe(false);
    expect(isComposed([key(note, user, { parts: [[]] })])).toBe(true);
    const companion = { relation: 'User.note', table: note, holder: user, owner: user } as unknown as KeyCompanion;
    expect(isComposed([], [companion])).toBe(true);
  });
});
