import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
} from '@nestjs/common';
import { DeletedScope } from 'nestjs-mikro-orm-soft-delete';
import { Customer } from './entities.js';
import { OfTenant, type Tenant } from './tenants.js';

@Controller()
export class CustomersController {
  @Get('customers')
  async list(@OfTenant() { customers }: Tenant, @DeletedScope('deleted') scope: DeletedScope) {
    const found = await customers.scope(scope).findAll({ populate: ['invoices'], orderBy: { id: 1 } });
    return found.map(({ id, email, invoices }) => ({ id, email, invoices: invoices.map(({ number }) => number) }));
  }

  @Post('customers')
  async create(@OfTenant() { em }: Tenant, @Body() { email, invoices }: { email: string; invoices: string[] }) {
    const customer = em.create(Customer, { email, invoices: invoices.map((number) => ({ number })) });
    await em.flush();
    return { id: customer.id };
  }

  /** Through the unit of work. */
  @Delete('customers/:id')
  async remove(@OfTenant() { em, customers }: Tenant, @Param('id', ParseIntPipe) id: number) {
    const customer = await customers.findOne(id);
    if (!customer) {
      throw new NotFoundException();
    }
    await em.remove(customer).flush();
    return { deletedAt: customer.deletedAt, found: await customers.findOne(id) };
  }

  /** Through the repository, by a condition. */
  @Delete('customers')
  async removeBy(@OfTenant() { customers }: Tenant, @Query('invoice') number: string) {
    return customers.softDelete({ invoices: { number } });
  }

  @Delete('invoices/:number')
  async removeInvoice(@OfTenant() { invoices }: Tenant, @Param('number') number: string) {
    return { deleted: await invoices.nativeDelete({ number }) };
  }

  @Post('customers/:id/restore')
  @HttpCode(200)
  async restore(@OfTenant() { customers }: Tenant, @Param('id', ParseIntPipe) id: number) {
    return customers.restore(id);
  }

  @Post('purge')
  @HttpCode(200)
  async removeForGood(@OfTenant() { purge }: Tenant) {
    return purge.run();
  }
}
