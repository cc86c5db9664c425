import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { type Duration, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';
import { describeRetentions } from '../../../lib/nest/describe-retentions.js';
import { resolvePurgeOptions } from '../../../lib/options/resolve-module-options.js';
import { showDuration } from '../../../lib/options/show-duration.js';
import type { PurgeOptions } from '../../../lib/options/soft-delete-module-options.js';

const kept = (name: string, retention?: Duration | 'forever') =>
  softDeletable(
    defineEntity({
      name,
      properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
    }),
    { retention },
  );
const catalogOf = (...entities: ReturnType<typeof kept>[]) => {
  const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });
  return SoftDeleteCatalog.of(new MikroORM({ dbName: 'none', entities: [...entities, Plain] }).em);
};

describe(describeRetentions.name, () => {
  const catalog = catalogOf(kept('Order', '10y'), kept('Customer', '30d'), kept('Product'));
  const describeWith = (options: PurgeOptions, of = catalog) => describeRetentions(of, resolvePurgeOptions(options));

  it('says what is kept for how long and when the purge runs', () => {
    expect(describeWith({ cron: '0 3 * * *' })).toEqual({
      level: 'log',
      text: 'Customer 30d, Order 10y, Product forever; purge at 0 3 * * *',
    });
    expect(describeWith({ cron: '0 3 * * *', timeZone: 'Europe/Berlin', retention: '12h' })).toEqual({
      level: 'log',
      text: 'Customer 30d, Order 10y, Product 12h; purge at 0 3 * * * (Europe/Berlin)',
    });
    expect(describeWith({ engine: 'external' })).toEqual({
      level: 'log',
      text: 'Customer 30d, Order 10y, Product forever; purge by an external engine',
    });
  });

  it('warns where something is to be purged and nothing does', () => {
    for (const options of [{}, { cron: '' }]) {
      expect(describeWith(options)).toEqual({
        level: 'warn',
        text: expect.stringMatching(
          /^Customer 30d, Order 10y, Product forever; but nothing purges: set purge\.cron, or/,
        ),
      });
    }
  });

  it('does not where everything is kept forever, and says nothing where nothing is marked', () => {
    const forever = catalogOf(kept('Product'), kept('Brand', 'forever'));
    expect(describeWith({}, forever)).toEqual({ level: 'log', text: 'Brand forever, Product forever; no purge' });
    expect(describeWith({ retention: '1d' }, forever)).toMatchObject({ level: 'warn' });
    expect(describeWith({ cron: '0 3 * * *' }, catalogOf())).toBeUndefined();
  });
});

describe(showDuration.name, () => {
  it.each([
    [0, '0ms'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [43_200_000, '12h'],
    [86_400_000, '1d'],
    [7_776_000_000, '90d'],
    [31_557_600_000, '1y'],
  ])('writes %d milliseconds as %s', (milliseconds, text) => {
    expect(showDuration(milliseconds)).toBe(text);
  });
});
