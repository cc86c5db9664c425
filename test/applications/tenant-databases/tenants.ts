import type { EntityManager } from '@mikro-orm/postgresql';
import { getEntityManagerToken } from '@mikro-orm/nestjs';
import {
  BadRequestException,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  type PipeTransform,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  getPurgeServiceToken,
  getSoftDeleteRepositoryToken,
  type PurgeService,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { Customer, Invoice } from './entities.js';

/** Each is the name of an ORM, over the same classes and a database of its own. */
export const TENANTS = ['north', 'south'] as const;

/** What belongs to the tenant of a request. */
export interface Tenant {
  readonly em: EntityManager;
  readonly customers: SoftDeleteRepository<Customer>;
  readonly invoices: SoftDeleteRepository<Invoice>;
  readonly purge: PurgeService;
}

/** From the header that names a tenant to what belongs to it. */
@Injectable()
export class TenantPipe implements PipeTransform<string | undefined, Tenant> {
  constructor(@Inject(ModuleRef) private readonly modules: ModuleRef) {}

  transform(name: string | undefined): Tenant {
    if (!TENANTS.some((tenant) => tenant === name)) {
      throw new BadRequestException('The header x-tenant must name a tenant.');
    }
    return {
      em: this.get(getEntityManagerToken(name!)),
      customers: this.get(getSoftDeleteRepositoryToken(Customer, name)),
      invoices: this.get(getSoftDeleteRepositoryToken(Invoice, name)),
      purge: this.get(getPurgeServiceToken(name)),
    };
  }

  private get(token: any): any {
    return this.modules.get(token, { strict: false });
  }
}

const TenantName = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  return context.switchToHttp().getRequest().headers['x-tenant'];
});

/** Injects what belongs to the tenant that the request names. */
export const OfTenant = (): ParameterDecorator => TenantName(undefined, TenantPipe);
