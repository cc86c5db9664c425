import { describePlan } from '../../../lib/purge/plan/describe-plan.js';
import type { KeyCompanion, KeyReference, PurgeTable } from '../../../lib/purge/plan/key-graph.js';
import { planPurge } from '../../../lib/purge/plan/purge-planner.js';
import { entity, table } from './key-graph.js';

describe(describePlan.name, () => {
  const [user, post, note, address] = ['user', 'post', 'note', 'address'].map(table) as [
    PurgeTable,
    PurgeTable,
    PurgeTable,
    PurgeTable,
  ];
  const reference = (from: PurgeTable, more: Partial<KeyReference> = {}): KeyReference => ({
    constraint: `${from.label}_user`,
    from,
    fromColumns: ['"user_id"', '"part"'],
    to: user,
    toColumns: ['"id"', '"part"'],
    action: 'no action',
    isIndexed: true,
    isEnforced: true,
    conditions: [],
    parts: [],
    isInheritance: false,
    ...more,
  });
  const companion = { relation: 'User.address', table: address, holder: user, owner: user } as unknown as KeyCompanion;

  it('says what blocks a row, what goes with it, when it is due, and what would make it faster', () => {
    const entities = [entity('User', user, { hasPurgeIndex: false }), entity('Post', post, { retention: undefined })];
    const order = planPurge({
      entities,
      references: [reference(post, { isIndexed: false }), reference(note, { action: 'cascade' })],
      companions: [companion],
    });
    const date = new Date(0);
    const times = { now: date, cutoffs: new Map([['User', { text: '', date }]]) };

    expect(describePlan({ plans: order.groups.flat(), unreachable: [] }, times, 'forever')).toEqual([
      {
        entity: 'Post',
        table: 'post',
        retention: 'forever',
        cutoff: undefined,
        blockedBy: [],
        removes: [],
        advice: [],
      },
      {
        entity: 'User',
        table: 'user',
        retention: 1_000,
        cutoff: date,
        blockedBy: [{ table: 'post', constraint: 'post_user', onDelete: 'no action', entity: 'Post' }],
        removes: [
          { table: 'note', constraint: 'note_user', onDelete: 'cascade' },
          { table: 'address', constraint: 'User.address', onDelete: 'none' },
        ],
        advice: [
          'create index concurrently on "public"."user" ("deleted_at", "id") where "deleted_at" is not null; -- a purge reads the whole table without it',
          'create index concurrently on "public"."post" ("user_id", "part"); -- post_user reads the whole table for each purged row without it',
        ],
      },
    ]);
  });
});
