import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { InjectSoftDeleteRepository, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { PageView } from '../entities/page-view.entity.js';
import { Product } from '../entities/product.entity.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { IdPipe } from '../http/id.pipe.js';
import { ProductDto, VisitDto } from './product.dto.js';

@Controller('products')
export class ProductsController {
  constructor(
    @InjectSoftDeleteRepository(Product) private readonly products: SoftDeleteRepository<Product>,
    private readonly em: EntityManager,
  ) {}

  @Get()
  async list(): Promise<ProductDto[]> {
    const products = await this.products.findAll({ orderBy: { id: 'asc' } });
    return products.map((product) => ProductDto.of(product));
  }

  /** A product. Each look at it is noted, with the ad that has led here. */
  @Get(':id')
  @ApiProblems(400, 404)
  async show(@Param('id', IdPipe) id: number, @Query() { ad }: VisitDto): Promise<ProductDto> {
    const product = await this.products.findOneOrFail(id);
    this.em.create(PageView, { product, ad: ad ?? null });
    await this.em.flush();
    return ProductDto.of(product);
  }
}
