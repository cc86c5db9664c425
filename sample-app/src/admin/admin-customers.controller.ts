import { Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import {
  DeletedScope,
  InjectSoftDeleteRepository,
  type RestoreResult,
  RestoreResultDto,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { CustomerDto } from '../customers/customer.dto.js';
import { Customer } from '../entities/customer.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { Admin } from './admin.decorator.js';

@Admin('customers')
export class AdminCustomersController {
  constructor(@InjectSoftDeleteRepository(Customer) private readonly customers: SoftDeleteRepository<Customer>) {}

  /** The customers; `?deleted=with` adds those who closed their account, `?deleted=only` lists nobody else. */
  @Get()
  @ApiProblems(400)
  async list(@DeletedScope('deleted') scope: DeletedScope): Promise<CustomerDto[]> {
    const customers = await this.customers.scope(scope).findAll({ orderBy: { id: 'asc' } });
    return customers.map((customer) => CustomerDto.of(customer));
  }

  /** Opens a closed account again, with the reviews that went along; 409 when the email is in use by now. */
  @Post(':id/restore')
  @ApiProblems(400, 404, 409)
  @HttpCode(200)
  @ApiOkResponse({ type: RestoreResultDto })
  async restore(@Param('id', IdPipe) id: number): Promise<RestoreResult> {
    const customer = await this.customers.withDeleted().findOneOrFail(id);
    return this.customers.restore(customer);
  }
}
