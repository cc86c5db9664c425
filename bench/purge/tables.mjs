// The tables that are purged: items with a deleted share, and notes on active items over an indexed key.
import { defineEntity, p } from '@mikro-orm/postgresql';

export function defineItems(softDeletable) {
  const Item = softDeletable(
    defineEntity({
      name: 'Item',
      tableName: 'item',
      properties: {
        id: p.integer().primary(),
        payload: p.text(),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
    { retention: '30d' },
  );
  const Note = defineEntity({
    name: 'Note',
    tableName: 'note',
    properties: { id: p.integer().primary(), item: () => p.manyToOne(Item) },
  });
  return { Item, Note };
}

/**
 * @param layout - `step`: the time of deletion is in step with the heap; `scattered`: deleted rows are all over the table, and
 * their age has nothing to do with their place
 */
export function createItems(rows, due, layout) {
  const age = (n) => `now() - interval '400 days' + ${n} * interval '1 second'`;
  const hash = (n) => `(hashint4(${n})::int8 + 2147483648)`;
  const deletedAt =
    layout === 'step'
      ? `case when n <= ${due} then ${age('n')} end`
      : `case when ${hash('n')} % ${rows} < ${due} then ${age(`(${hash('n * 7 + 1')} % 20000000)`)} end`;
  return [
    'create table item (id int primary key, payload text not null, deleted_at timestamptz)',
    'create table note (id int primary key, item_id int not null)',
    `insert into item select n, repeat('x', 100), ${deletedAt} from generate_series(1, ${rows}) as n`,
    `insert into note select row_number() over (), id from item where deleted_at is null limit ${Math.round(rows / 4)}`,
    'alter table note add foreign key (item_id) references item',
    'create index on note (item_id)',
    'create index on item (deleted_at, id) where deleted_at is not null',
    'vacuum (analyze) item',
    'vacuum (analyze) note',
  ];
}
