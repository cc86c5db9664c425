import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import {
  type DeletionResult,
  DeletionResultDto,
  InjectSoftDeleteRepository,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Customer } from '../entities/customer.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { CustomerDto, EmailDto, RegisterCustomerDto } from './customer.dto.js';

/** There is no login in this sample: whoever asks may register and close accounts. */
@Controller('customers')
export class CustomersController {
  constructor(
    @InjectSoftDeleteRepository(Customer) private readonly customers: SoftDeleteRepository<Customer>,
    private readonly em: EntityManager,
  ) {}

  /** The customers, without those who closed their account. */
  @Get()
  async list(): Promise<CustomerDto[]> {
    const customers = await this.customers.findAll({ orderBy: { id: 'asc' } });
    return customers.map((customer) => CustomerDto.of(customer));
  }

  /** Registers a customer. The email of a closed account is free again. */
  @Post()
  @ApiProblems(400, 'taken')
  async register(@Body() body: RegisterCustomerDto): Promise<CustomerDto> {
    const customer = this.customers.create(body);
    await this.em.persist(customer).flush();
    return CustomerDto.of(customer);
  }

  @Get(':id')
  @ApiProblems(400, 404)
  async show(@Param('id', IdPipe) id: number): Promise<CustomerDto> {
    return CustomerDto.of(await this.customers.findOneOrFail(id));
  }

  /** Closes the account that has an email. */
  @Delete()
  @ApiProblems(400, 404, 409)
  @ApiOkResponse({ type: DeletionResultDto })
  async closeByEmail(@Query() { email }: EmailDto): Promise<DeletionResult> {
    return this.close((await this.customers.findOneOrFail({ email })).id);
  }

  /** Closes an account: the customer's reviews go along, their orders stay. */
  @Delete(':id')
  @ApiProblems(400, 404, 409)
  @ApiOkResponse({ type: DeletionResultDto })
  async close(@Param('id', IdPipe) id: number): Promise<DeletionResult> {
    const customer = await this.customers.findOneOrFail(id);
    return this.customers.softDelete(customer, { reason: 'account closed' });
  }
}
