import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteAdminModule } from 'nestjs-mikro-orm-soft-delete/admin';
import { AdminOrm } from '../../../lib/admin/admin-orm.js';
import { ADMIN_OPTIONS } from '../../../lib/admin/admin.tokens.js';
import { PageAssets } from '../../../lib/admin/page-assets.js';
import type { PurgeService } from '../../../lib/purge/purge.service.js';

class Guard {
  canActivate() {
    return true;
  }
}
const at = { path: 'admin/deleted', guards: [Guard] };

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);

const providerOf = ({ providers }: DynamicModule, token: unknown) =>
  providers!.find((provider) => typeof provider === 'object' && provider.provide === token) as FactoryProvider;

describe(SoftDeleteAdminModule, () => {
  class Options {
    constructor(private readonly made: object = { can: () => true }) {}

    async createSoftDeleteAdminOptions() {
      return this.made;
    }
  }

  it('asks a factory, a class of its own, or one of the application for its options', async () => {
    const made = { can: () => false };
    const byFactory = providerOf(
      SoftDeleteAdminModule.forRootAsync({
        ...at,
        useFactory: async (can: () => boolean) => ({ can }),
        inject: [Guard],
      }),
      ADMIN_OPTIONS,
    );
    expect(byFactory.inject).toEqual([Guard]);
    expect(await byFactory.useFactory(made.can)).toEqual(made);
    const withoutInject = SoftDeleteAdminModule.forRootAsync({ ...at, useFactory: () => ({}) });
    expect(providerOf(withoutInject, ADMIN_OPTIONS).inject).toEqual([]);
    for (const way of ['useClass', 'useExisting'] as const) {
      const definition = SoftDeleteAdminModule.forRootAsync({ ...at, [way]: Options } as never);
      const { inject, useFactory } = providerOf(definition, ADMIN_OPTIONS);
      expect(inject).toEqual([Options]);
      expect(await useFactory(new Options(made))).toEqual(made);
      await expect(useFactory(new Options({ can: 'yes' }))).rejects.toThrow(/can/);
      expect(definition.providers!.includes(Options)).toBe(way === 'useClass');
    }
    const wrong = SoftDeleteAdminModule.forRootAsync({ ...at, useFactory: () => ({ can: 'yes' }) as never });
    await expect(providerOf(wrong, ADMIN_OPTIONS).useFactory()).rejects.toThrow(/can/);
  });

  it('has no page where only the API is wanted', () => {
    expect(providerOf(SoftDeleteAdminModule.forRoot(at), PageAssets)).toBeDefined();
    expect(providerOf(SoftDeleteAdminModule.forRoot({ ...at, ui: false }), PageAssets)).toBeUndefined();
    expect(SoftDeleteAdminModule.forRoot({ ...at, imports: [Options] }).imports).toEqual([Options]);
  });

  it('says which ORM it misses', () => {
    const make = (contextName?: string) =>
      providerOf(SoftDeleteAdminModule.forRoot({ ...at, ...(contextName ? { contextName } : {}) }), AdminOrm)
        .useFactory;
    expect(() => make()({}, undefined, {})).toThrow(
      'SoftDeleteAdminModule: the application has no SoftDeleteModule.forRoot(). Import it in the root module, and name the ORM with `contextName` where there are several.',
    );
    expect(() => make('crm')({}, {}, undefined)).toThrow(
      'the application has no SoftDeleteModule.forRoot() for the ORM "crm".',
    );
  });
});

describe(AdminOrm, () => {
  it('asks once how long rows are kept, and again only where that failed', async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: [Customer], extensions: [softDelete()] });
    await orm.close();
    let asked = 0;
    const plan = async () => {
      if (++asked === 1) {
        throw new Error('the database is down');
      }
      return { entities: [{ entity: 'Customer', retention: 7 }] };
    };
    const admin = new AdminOrm(orm, { plan } as unknown as PurgeService, {});
    const [customer] = admin.entities;
    await expect(admin.retention(customer!)).rejects.toThrow('the database is down');
    expect(await Promise.all([admin.retention(customer!), admin.retention({ ...customer!, name: 'Other' })])).toEqual([
      7,
      'forever',
    ]);
    expect(await admin.retention(customer!)).toBe(7);
    expect(asked).toBe(2);
    expect([admin.compliance, admin.requiresReason]).toEqual([undefined, false]);
  });
});
