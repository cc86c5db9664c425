import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  type Duration,
  type Finding,
  softDeletable,
  softDelete,
  type SoftDeletableOptions,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

const Customer = personalData(
  softDeletable(
    defineEntity({
      name: 'Customer',
      properties: { id: p.integer().primary(), name: p.text(), deletedAt: deletedAt() },
    }),
    { retention: '1d' },
  ),
  { subject: true, fields: { name: '' } },
);

/** An order that is kept for so long, and what takes a plain letter and its stamp along. */
function ordersWith(options: SoftDeletableOptions, keep: Duration) {
  const isArchived = options.strategy === 'archive';
  const ground = { for: keep, from: 'placedAt' as never, ground: '§147 AO' };
  const Order = personalData(
    softDeletable(
      defineEntity({
        name: 'Order',
        tableName: 'purchase',
        properties: {
          id: p.integer().primary(),
          customer: () => p.manyToOne(Customer).index(),
          placedAt: p.datetime(),
          ...(isArchived ? {} : { deletedAt: deletedAt() }),
        },
      }) as unknown as typeof Customer,
      options,
    ),
    { of: 'customer' as never, keep: ground },
  );
  const Letter = personalData(
    defineEntity({
      name: 'Letter',
      properties: {
        id: p.integer().primary(),
        order: () =>
          p
            .manyToOne(Order as typeof Customer)
            .deleteRule('cascade')
            .index(),
        placedAt: p.datetime(),
      },
    }),
    { of: 'order.customer' as never, keep: ground },
  );
  const Stamp = personalData(
    defineEntity({
      name: 'Stamp',
      properties: {
        id: p.integer().primary(),
        letter: () => p.manyToOne(Letter).deleteRule('cascade').index(),
        placedAt: p.datetime(),
      },
    }),
    { of: 'letter.order.customer' as never, keep: ground },
  );
  /** Nothing takes it along. */
  const Copy = personalData(
    defineEntity({
      name: 'Copy',
      properties: {
        id: p.integer().primary(),
        letter: () => p.manyToOne(Letter).nullable().deleteRule('set null').index(),
        placedAt: p.datetime(),
      },
    }),
    { of: 'letter.order.customer' as never, keep: ground },
  );
  return [Customer, Order, Letter, Stamp, Copy];
}

describe(`${SoftDeleteDoctor.name} on periods of the law`, () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const examine = async (options: SoftDeletableOptions, keep: Duration, retention?: Duration): Promise<Finding[]> => {
    const orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [...ordersWith(options, keep), ...complianceEntities()] as never,
      extensions: [softDelete(retention === undefined ? {} : { purge: { retention } })],
    });
    try {
      const findings = await new SoftDeleteDoctor(orm).examine();
      return findings.filter(({ code }) => code === 'retention-shorter-than-keep');
    } finally {
      await orm.close(true);
    }
  };
  const entities = (findings: readonly Finding[]) => findings.map(({ entity }) => entity);

  it.each([
    ['soft-deleted', {}],
    ['archived', { strategy: 'archive' as const }],
  ])(
    'finds what the purge removes of %s rows before it may, with plain rows that go along',
    async (_name, strategy) => {
      const findings = await examine({ ...strategy, retention: '30d' }, '10y');
      expect(findings).toEqual([
        {
          code: 'retention-shorter-than-keep',
          severity: 'warning',
          entity: 'Letter',
          problem:
            'The purge removes rows of Letter along with Order 30 days after their deletion, and does not wait until they have been kept for 10 years from placedAt on (§147 AO).',
          fix: "@SoftDeletable({ retention: '10y' }) on Order; longer, where placedAt may be later than the deletion.",
        },
        expect.objectContaining({
          entity: 'Order',
          problem: expect.stringContaining('The purge removes rows of Order 30 days after their deletion'),
        }),
        expect.objectContaining({
          entity: 'Stamp',
          problem: expect.stringContaining('rows of Stamp along with Order 30'),
        }),
      ]);
    },
  );

  it('looks at the default retention where the mark names none', async () => {
    expect(entities(await examine({}, '2y', '1y'))).toEqual(['Letter', 'Order', 'Stamp']);
    expect(await examine({}, '2y', '2y')).toEqual([]);
    expect(await examine({}, '2y')).toEqual([]);
    expect(entities(await examine({ retention: '1y' }, '2y', '5y'))).toEqual(['Letter', 'Order', 'Stamp']);
  });

  it('finds nothing where the retention is as long, as the fix writes it', async () => {
    for (const keep of ['10y', '45d', '36h', 90_000, '2 months', '1 month'] as Duration[]) {
      const [, order] = await examine({ retention: 1 }, keep);
      const retention = /'(.*)'/.exec(order!.fix)![1] as Duration;
      expect(await examine({ retention }, keep)).toEqual([]);
    }
    expect(await examine({ retention: 'forever' }, '10y')).toEqual([]);
    expect(entities(await examine({ retention: '44d' }, '45d'))).toEqual(['Letter', 'Order', 'Stamp']);
    expect(entities(await examine({ retention: '55d' }, '2 months' as Duration))).toEqual(['Letter', 'Order', 'Stamp']);
  });
});
