select row_number() over () as _line, *
from read_json(getvariable('path'), format = 'newline_delimited', columns = {'run':'STRUCT(
                url VARCHAR, strategy VARCHAR, fetched_at TIMESTAMPTZ, performance_score DOUBLE, lcp_ms DOUBLE,
                cls DOUBLE, tbt_ms DOUBLE, ttfb_ms DOUBLE, fcp_ms DOUBLE, details JSON)', 'answer':'JSON'})
