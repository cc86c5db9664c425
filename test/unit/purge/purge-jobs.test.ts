import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { NotSoftDeletableError, softDeletable, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';
import { findJob } from '../../../lib/purge/plan/find-job.js';
import { listJobs } from '../../../lib/purge/plan/list-jobs.js';
import { requirePurgeHandlerOptions } from '../../../lib/purge/require-purge-handler-options.js';
import { requirePurgedEntity } from '../../../lib/purge/run/require-purged-entity.js';

const base = () => ({ id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() });
const Shop: any = softDeletable(defineEntity({ name: 'Shop', properties: base() }));
const Order: any = softDeletable(
  defineEntity({ name: 'Order', properties: { ...base(), shop: () => p.manyToOne(Shop) } as any }) as any,
);
const Visit: any = softDeletable(defineEntity({ name: 'Visit', properties: base() }));
const Badge: any = softDeletable(defineEntity({ name: 'Badge', properties: base() }));
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });

const orm = new MikroORM({ dbName: 'none', entities: [Visit, Order, Shop, Badge, Plain] });
const catalog = SoftDeleteCatalog.of(orm.em as never);

describe(listJobs, () => {
  const jobs = (contextName = 'default', groups: object[][] = []) =>
    listJobs(catalog, { groups } as never, contextName);

  it('puts entities that relations connect into one job, by the names of the first ones', () => {
    expect(jobs()).toEqual([
      { name: 'soft-delete.purge.Badge', entities: ['Badge'] },
      { name: 'soft-delete.purge.Order', entities: ['Order', 'Shop'] },
      { name: 'soft-delete.purge.Visit', entities: ['Visit'] },
    ]);
  });

  it('tells the jobs of several ORMs apart', () => {
    expect(jobs('crm').map(({ name }) => name)).toEqual([
      'soft-delete.purge.crm.Badge',
      'soft-delete.purge.crm.Order',
      'soft-delete.purge.crm.Visit',
    ]);
  });

  it('connects through keys that the ORM does not know', () => {
    const blockers = [{ source: { name: 'Visit' } }, { source: undefined }];
    expect(jobs('default', [[{ entity: { name: 'Shop' }, blockers }]]).map(({ entities }) => entities)).toEqual([
      ['Badge'],
      ['Order', 'Shop', 'Visit'],
    ]);
  });

  it('finds a job by its name, as an object, and by a name from before its group grew', () => {
    const [badge, order] = jobs();
    expect(findJob(jobs(), 'soft-delete.purge.Badge')).toEqual(badge);
    expect(findJob(jobs(), { name: 'soft-delete.purge.Order' })).toEqual(order);
    expect(findJob(jobs(), 'soft-delete.purge.Shop')).toEqual(order);
  });

  it.each<[unknown, string]>([
    ['soft-delete.purge.Bage', 'there is no job "soft-delete.purge.Bage". Did you mean soft-delete.purge.Badge?'],
    ['x', 'there is no job "x". The jobs are: soft-delete.purge.Badge, soft-delete.purge.Order'],
    ['Shop', 'there is no job "Shop". The jobs are'],
    [null, 'there is no job null. The jobs are'],
    [undefined, 'there is no job undefined. The jobs are'],
    [{ names: 'x' }, 'there is no job'],
  ])('knows no job %j', (asked, message) => {
    expect(() => findJob(jobs(), asked)).toThrow(SoftDeleteConfigError);
    expect(() => findJob(jobs(), asked)).toThrow(message);
    expect(() => findJob([], asked)).toThrow('The jobs are: none, since no entity is marked.');
  });
});

describe(requirePurgedEntity, () => {
  it('knows a marked entity by its class, its schema and its name', () => {
    for (const entity of [Badge, Badge.meta.class, 'Badge']) {
      expect(requirePurgedEntity(catalog, entity as never)).toBe('Badge');
    }
  });

  it.each([undefined, null, 7, true])('refuses %j, which is no entity', (entity) => {
    expect(() => requirePurgedEntity(catalog, entity as never)).toThrow(SoftDeleteConfigError);
    expect(() => requirePurgedEntity(catalog, entity as never)).toThrow(
      `entities: ${String(entity)} is not an entity.`,
    );
  });

  it('refuses an entity that is not marked, and tells it from one that is not there', () => {
    const messageOf = (entity: string) => {
      try {
        return requirePurgedEntity(catalog, entity);
      } catch (error) {
        expect(error).toBeInstanceOf(NotSoftDeletableError);
        return (error as Error).message;
      }
    };
    expect(messageOf('Plain')).toContain('Plain');
    expect(messageOf('Plane')).not.toBe(messageOf('Plain').replace('Plain', 'Plane'));
    expect(() => requirePurgedEntity(catalog, Plain as never)).toThrow(NotSoftDeletableError);
  });
});

describe(requirePurgeHandlerOptions, () => {
  it.each([
    [{ fields: 'name' }, 'handler, fields: "name" is not a list'],
    [{ fields: [7] }, 'handler, fields: 7 is not text'],
    [{ fields: [undefined] }, 'handler, fields: null is not text'],
    [{ field: ['name'] }, 'handler'],
  ])('refuses %j', (options, message) => {
    expect(() => requirePurgeHandlerOptions('handler', options as never)).toThrow(SoftDeleteConfigError);
    expect(() => requirePurgeHandlerOptions('handler', options as never)).toThrow(message);
  });

  it.each([{}, { fields: [] }, { fields: ['name'] }])('takes %j', (options) => {
    expect(() => requirePurgeHandlerOptions('handler', options)).not.toThrow();
  });
});
