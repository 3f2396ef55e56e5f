#!lua name=sale
-- A sale in Redis: a counter, a row for each booking, and each key's booking.
redis.register_function('book', function(keys, arguments)
	local event, key, quantity = arguments[1], arguments[2], tonumber(arguments[3])
	local before = redis.call('HGET', 'keys:' .. event, key)
	if before then
		return before
	end
	local left = tonumber(redis.call('GET', 'left:' .. event))
	if left < quantity then
		return redis.error_reply('SOLDOUT ' .. left)
	end
	redis.call('DECRBY', 'left:' .. event, quantity)
	local number = redis.call('INCR', 'number:' .. event)
	redis.call('HSET', 'bookings:' .. event, number, quantity)
	redis.call('HSET', 'keys:' .. event, key, number)
	return tostring(number)
end)
