-- An export has no times.
select
    * exclude (images, variants),
    to_json(images)::varchar as images,
    null as complementary_products,
    null as related_products,
    null as created_at,
    null as updated_at,
    null as published_at
from landed
