import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { softDelete, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { requireRecords } from '../../../lib/compliance/attend-operations.js';
import { currentManager } from '../../../lib/compliance/current-manager.js';
import { managersOfTenants, tenantOf } from '../../../lib/compliance/managers-of-tenants.js';
import { getInstallation } from '../../../lib/installation/installation.js';

const TABLES = ['deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'];

const ormWith = (entities: any[], options: object = {}) =>
  new MikroORM({ dbName: 'none', entities, extensions: [softDelete(options)] } as never);
const namesOf = (entities: readonly any[]) => entities.map(({ meta }) => meta.tableName);

describe(complianceEntities, () => {
  it('are tables for records, holds and erasures, and for archived rows unless each tenant has its own', () => {
    expect(namesOf(complianceEntities())).toEqual([...TABLES, 'deletion_archive']);
    expect(namesOf(complianceEntities({ schema: '*' }))).toEqual(TABLES);
    expect(complianceEntities({ schema: '*' }).map(({ meta }) => meta.schema)).toEqual(TABLES.map(() => '*'));
    expect(complianceEntities().map(({ meta }) => meta.schema)).toEqual([...TABLES, ''].map(() => undefined));
  });

  it('are the same ones each time, in a list of its own', () => {
    expect(complianceEntities()).toEqual(complianceEntities());
    complianceEntities().length = 0;
    complianceEntities({ schema: '*' }).length = 0;
    expect(complianceEntities()).toHaveLength(5);
    expect(complianceEntities({ schema: '*' })).toHaveLength(4);
  });

  it('refuse an option that does not exist, and another schema', () => {
    expect(() => complianceEntities({ shema: '*' } as never)).toThrow(/complianceEntities\(\).*shema/);
    expect(() => complianceEntities({ schema: 'app' as never })).toThrow('it is "app"');
    expect(() => complianceEntities({ schema: '' as never })).toThrow('it is ""');
  });

  it('have operations recorded and holds respected where the ORM has them', () => {
    const { records, holds } = getInstallation(ormWith(complianceEntities()).em as never);
    expect(records?.tableName).toBe('deletion_record');
    expect([holds?.holds.tableName, holds?.rows.tableName]).toEqual(['legal_hold', 'legal_hold_row']);
    const [person] = complianceEntities();
    const { records: alone, holds: none } = getInstallation(ormWith([person]).em as never);
    expect([alone?.tableName, none]).toEqual(['deletion_record', undefined]);
  });
});

describe(requireRecords, () => {
  const [, holds] = complianceEntities();

  it.each<[object, RegExp]>([
    [{ log: { reason: 'required' } }, /log\.reason: it is "required", but the ORM has no entity for records/],
    [{ log: { retention: '1y' } }, /log\.retention: it is "1y", but the ORM has no entity for records/],
    [{ erasure: { deadline: '14d' } }, /erasure\.deadline: it is "14d", but the ORM has no entity for erasures/],
  ])('refuses %j where nothing is recorded or erased', (options, message) => {
    const orm = ormWith([holds]);
    expect(() => requireRecords(orm.em as never, options)).toThrow(SoftDeleteConfigError);
    expect(() => requireRecords(orm.em as never, options)).toThrow(message);
    expect(() => requireRecords(ormWith(complianceEntities()).em as never, options)).not.toThrow();
  });

  it.each([{}, { log: {} }, { log: undefined, erasure: {} }, { erasure: { deadline: undefined } }])(
    'asks for nothing where %j says nothing',
    (options) => {
      expect(() => requireRecords(ormWith([holds]).em as never, options as never)).not.toThrow();
    },
  );
});

describe('The entity managers that work is done with', () => {
  it('are that of the request, or one of its own', async () => {
    const orm = ormWith(complianceEntities());
    const own = currentManager(orm as never);
    expect(own).not.toBe(orm.em);
    expect(currentManager(orm as never)).not.toBe(own);
    await RequestContext.create(orm.em, async () => {
      expect(currentManager(orm as never)).toBe(RequestContext.getEntityManager());
    });
  });

  it('are one of each tenant, in the same transaction', async () => {
    const schemas = () => ['north', 'south'];
    const orm = ormWith(complianceEntities({ schema: '*' }), { purge: { schemas } });
    const em = orm.em.fork();
    em.setTransactionContext({ a: 'transaction' } as never);
    const managers = await managersOfTenants(em as never);
    expect(managers.map((each) => each.schema)).toEqual(['north', 'south']);
    expect(managers.map((each) => each.getTransactionContext())).toEqual([{ a: 'transaction' }, { a: 'transaction' }]);
    expect(managers.map((each) => tenantOf(each))).toEqual([{ schema: 'north' }, { schema: 'south' }]);
    const given = await managersOfTenants(em as never, () => ['east']);
    expect(given.map((each) => each.schema)).toEqual(['east']);
    expect(tenantOf(em as never)).toEqual({});
  });

  it('are the given one of a tenant, and where there is one table for all or nobody names the tenants', async () => {
    const schemas = () => ['north', 'south'];
    const managers = async (entities: any[], options: object, schema?: string) => {
      const em = ormWith(entities, options).em.fork({ schema } as never);
      const found = await managersOfTenants(em as never);
      return found.length === 1 && found[0] === (em as never) ? tenantOf(em as never) : found;
    };
    const ofTenants = complianceEntities({ schema: '*' });
    expect(await managers(ofTenants, { purge: { schemas } }, 'east')).toEqual({ schema: 'east' });
    expect(await managers(ofTenants, {})).toEqual({});
    expect(await managers(complianceEntities(), { purge: { schemas } })).toEqual({});
    expect(await managers(complianceEntities(), {}, 'east')).toEqual({});
  });
});
